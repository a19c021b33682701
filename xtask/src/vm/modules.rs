//! The kernel modules that a disk needs, in the order in which they can be loaded.
//! Each names what it depends on in its section `.modinfo`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, OnFile, Result};

/// What a virtual disk is reached by.
pub const DISK: &[&str] = &["virtio_pci", "virtio_blk"];

/// The files of `names` and of all that they depend on, below `kernel`, what is
/// needed first coming first.
pub fn needed(kernel: &Path, names: &[&str]) -> Result<Vec<PathBuf>> {
    let mut files = BTreeMap::new();
    find(kernel, &mut files)?;
    let mut order = Vec::new();
    for name in names {
        add(&files, name, &mut order)?;
    }
    Ok(order)
}

fn add(files: &BTreeMap<String, PathBuf>, name: &str, order: &mut Vec<PathBuf>) -> Result<()> {
    let path =
        files.get(name).ok_or_else(|| Error::Failed(format!("the kernel has no module {name}")))?;
    if order.contains(path) {
        return Ok(());
    }
    for needed in dependencies(&std::fs::read(path).on("read", path)?) {
        add(files, &needed, order)?;
    }
    order.push(path.clone());
    Ok(())
}

/// All modules below a directory, by the names that dependencies have them by.
fn find(directory: &Path, files: &mut BTreeMap<String, PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(directory).on("read", directory)? {
        let path = entry.on("read", directory)?.path();
        if path.is_dir() {
            find(&path, files)?;
        } else if path.extension().is_some_and(|end| end == "ko") {
            let name = path.file_stem().unwrap_or_default().to_string_lossy().replace('-', "_");
            files.insert(name, path);
        }
    }
    Ok(())
}

/// The names after `depends=` in a module.
fn dependencies(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let value = module.get(at + KEY.len()..).unwrap_or_default();
    let value = value.split(|&byte| byte == 0).next().unwrap_or_default();
    let text = String::from_utf8_lossy(value);
    text.split(',').filter(|name| !name.is_empty()).map(|name| name.replace('-', "_")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::install::lay::tests::Scratch;

    #[test]
    fn what_is_needed_comes_first_and_once() {
        let scratch = Scratch::new("modules");
        std::fs::create_dir(scratch.0.join("sub")).unwrap();
        let module = |name: &str, depends: &str| {
            let text = format!("ELF\0license=GPL\0depends={depends}\0name=x\0");
            std::fs::write(scratch.0.join(name), text).unwrap();
        };
        module("top.ko", "left,right");
        module("sub/left.ko", "base-part");
        module("right.ko", "base-part");
        module("base-part.ko", "");
        let order = needed(&scratch.0, &["top", "right"]).unwrap();
        let names: Vec<_> =
            order.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["base-part.ko", "left.ko", "right.ko", "top.ko"]);
        let error = needed(&scratch.0, &["gone"]).unwrap_err().to_string();
        assert_eq!(error, "the kernel has no module gone");
    }

    #[test]
    fn a_module_without_the_key_needs_nothing() {
        assert!(dependencies(b"ELF\0license=GPL\0").is_empty());
        assert!(dependencies(b"\0depends=\0").is_empty());
    }
}

//! Putting files and links in their places.

use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::below;
use super::plan::{Item, Kind};
use crate::error::{OnFile, Result};

/// What is told of each item.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tell {
    /// Its path, on standard output.
    Paths,
    /// Nothing.
    Nothing,
}

/// Puts every item in its place below `destination`, one by one, each whole: a
/// program that runs is not disturbed, and at no time is a name missing.
pub fn lay(items: &[Item], destination: &Path, tell: Tell) -> Result<()> {
    for item in items {
        let path = below(destination, &item.path);
        make_directories(path.parent().unwrap_or(destination))?;
        match &item.kind {
            Kind::Program(content) => put_file(&path, content, 0o755)?,
            Kind::Data(content) => put_file(&path, content, 0o644)?,
            Kind::Link(target) => put_link(&path, target)?,
        }
        if tell == Tell::Paths {
            // Who looks no more must not end it halfway.
            let _ = writeln!(std::io::stdout(), "{}", path.display());
        }
    }
    Ok(())
}

/// The file with this content and mode, instead of whatever has its name.
pub fn put_file(path: &Path, content: &[u8], mode: u32) -> Result<()> {
    let new = beside(path);
    remove_if_there(&new)?;
    let mut options = std::fs::OpenOptions::new();
    let mut file =
        options.write(true).create_new(true).mode(0o600).open(&new).on("create", &new)?;
    file.write_all(content).on("write", &new)?;
    // Said in full: what was asked for on opening is less the umask.
    file.set_permissions(std::fs::Permissions::from_mode(mode)).on("change the mode of", &new)?;
    std::fs::rename(&new, path).on("replace", path)
}

/// The link, instead of whatever has its name.
pub fn put_link(path: &Path, target: &Path) -> Result<()> {
    let new = beside(path);
    remove_if_there(&new)?;
    symlink(target, &new).on("create", &new)?;
    std::fs::rename(&new, path).on("replace", path)
}

/// A name in the same directory that nothing else has.
pub fn beside(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.runit-rs-new"))
}

fn remove_if_there(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).on("remove", path),
        _ => Ok(()),
    }
}

/// The directory and those above it, with mode 0755 for those that were missing.
pub fn make_directories(directory: &Path) -> Result<()> {
    if directory.is_dir() || directory.as_os_str().is_empty() {
        return Ok(());
    }
    if let Some(parent) = directory.parent() {
        make_directories(parent)?;
    }
    std::fs::create_dir(directory).on("create", directory)?;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(directory, mode).on("change the mode of", directory)
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::suite::SUITE;

    /// A directory that goes with the test.
    pub struct Scratch(pub PathBuf);

    impl Scratch {
        pub fn new(name: &str) -> Self {
            static NUMBER: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
            let number = NUMBER.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let name = format!("runit-{name}-{}-{number}", std::process::id());
            let path = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        /// With a script that tells its name for each program.
        pub fn with_programs(name: &str) -> Self {
            let scratch = Self::new(name);
            for program in SUITE {
                let text = format!("#!/bin/sh\necho {} as ${{0##*/}}\n", program.name);
                std::fs::write(scratch.0.join(program.name), text).unwrap();
            }
            scratch
        }
    }

    /// Makes a file anew, by another process: as long as this one had it open for writing, another
    /// test's fork could have it so too, and then it cannot be executed (ETXTBSY).
    pub fn make_executable(path: &Path) {
        let script = r#"cp -p "$1" "$1.copy" && chmod 755 "$1.copy" && mv "$1.copy" "$1""#;
        let mut copy = std::process::Command::new("sh");
        let status = copy.args(["-c", script, "sh"]).arg(path).status();
        assert!(status.unwrap().success(), "{}", path.display());
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        path.symlink_metadata().unwrap().permissions().mode() & 0o7777
    }

    fn items() -> Vec<Item> {
        let item = |path: &str, kind| Item { path: path.into(), kind };
        vec![
            item("/usr/bin/tool", Kind::Program(b"#!/bin/sh\n".to_vec())),
            item("/usr/bin/other", Kind::Link("tool".into())),
            item("/usr/share/doc/tool", Kind::Data(b"text".to_vec())),
        ]
    }

    #[test]
    fn everything_is_put_in_its_place_with_its_mode() {
        let scratch = Scratch::new("lay");
        let at = |path: &str| scratch.0.join(path);
        // What is there is replaced, not written to: a link's target stays as it was.
        make_directories(&at("usr/bin")).unwrap();
        std::fs::write(at("precious"), "precious").unwrap();
        symlink(at("precious"), at("usr/bin/tool")).unwrap();
        std::fs::write(at("usr/bin/other"), "old").unwrap();
        lay(&items(), &scratch.0, Tell::Nothing).unwrap();
        lay(&items(), &scratch.0, Tell::Nothing).unwrap();
        assert_eq!(std::fs::read_to_string(at("precious")).unwrap(), "precious");
        for (path, expected) in
            [("usr/bin/tool", 0o755), ("usr/share/doc/tool", 0o644), ("usr/share/doc", 0o755)]
        {
            assert_eq!(mode(&at(path)), expected, "{path}");
        }
        assert_eq!(std::fs::read_link(at("usr/bin/other")).unwrap(), Path::new("tool"));
        assert_eq!(std::fs::read_dir(at("usr/bin")).unwrap().count(), 2);
    }

    /// The test above again, by a process that may give hardly any permission, and
    /// by one that may give all.
    #[test]
    fn modes_do_not_depend_on_the_umask() {
        let own = std::env::current_exe().unwrap();
        let test = "install::lay::tests::everything_is_put_in_its_place_with_its_mode";
        for mask in ["077", "000"] {
            let script = format!("umask {mask}; exec \"$0\" --exact {test}");
            let output = std::process::Command::new("sh").arg("-c").arg(script).arg(&own).output();
            let said = String::from_utf8(output.unwrap().stdout).unwrap();
            assert!(said.contains("1 passed"), "umask {mask}: {said}");
        }
    }

    #[test]
    fn an_obstacle_is_named() {
        let scratch = Scratch::new("obstacle");
        std::fs::write(scratch.0.join("usr"), "").unwrap();
        let error = lay(&items(), &scratch.0, Tell::Nothing).unwrap_err().to_string();
        assert!(error.contains("/usr") && error.starts_with("unable to create"), "{error}");
    }
}

//! Environment directories, real ones, against the contract's sentence. The
//! input is the environment that is there, a variable a line, and after each
//! line `--` a file: its name in a line of its own, and its content.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::PathBuf;

use chpst::envdir::apply;
use chpst::plan::EnvDir;
use runit_rt::strings::{Slot, list_in};

use crate::{split_at_byte, split_at_dashes};

/// The longest name that a file can have.
const LONGEST_NAME: usize = 255;

/// A directory that goes with the value.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let thread = std::thread::current().id();
        let name = format!("runit-fuzz-{}-{thread:?}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).expect("a directory can be made");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Tries an input.
pub fn run(data: &[u8]) {
    let (inherited, mut rest) = split_at_dashes(data);
    let inherited: Vec<&[u8]> =
        inherited.split(|&b| b == b'\n').filter(|l| !l.is_empty()).collect();
    let Ok(strings) =
        inherited.iter().map(|line| CString::new(*line)).collect::<Result<Vec<_>, _>>()
    else {
        return;
    };
    let directory = Directory::new();
    let mut files = BTreeMap::new();
    while !rest.is_empty() {
        let (file, behind) = split_at_dashes(rest);
        let (name, content) = split_at_byte(file, b'\n');
        if is_file_name(name)
            && std::fs::write(directory.0.join(OsStr::from_bytes(name)), content).is_ok()
        {
            files.insert(name, content);
        }
        rest = behind;
    }
    let mut expected: Vec<Vec<u8>> = Vec::new();
    for line in &inherited {
        let name = line.split(|&byte| byte == b'=').next().unwrap_or_default();
        // A hidden file is none.
        if name.starts_with(b".") || !files.contains_key(name) {
            expected.push(line.to_vec());
        }
    }
    let kept = expected.len();
    for (name, content) in files.iter().filter(|(name, _)| !name.starts_with(b".")) {
        if !content.is_empty() {
            expected.push([name, &b"="[..], &value(content)].concat());
        }
    }
    let path = CString::new(directory.0.clone().into_os_string().into_vec()).expect("no NUL");
    let mut slots = vec![Slot::default(); strings.len() + 1];
    let list = list_in(&mut slots, strings.iter().map(CString::as_c_str)).expect("there is room");
    let changed = apply(list, EnvDir { path: &path, strict: true }, false);
    let changed = changed.unwrap_or_else(|_| panic!("the directory can be read"));
    let mut changed: Vec<Vec<u8>> = changed.map(|entry| entry.to_bytes().to_vec()).collect();
    // Files come in no order.
    let kept_of_changed = kept.min(changed.len());
    changed[kept_of_changed..].sort();
    expected[kept..].sort();
    assert_eq!(changed, expected);
}

/// What can be made in the directory, and is not warned of on standard error.
fn is_file_name(name: &[u8]) -> bool {
    let odd = |byte: &u8| matches!(byte, b'/' | b'=' | 0);
    !name.is_empty() && name.len() <= LONGEST_NAME && name != b"." && !name.iter().any(odd)
}

/// The first line, blanks and tabs at its end cut, NUL bytes as newlines.
fn value(content: &[u8]) -> Vec<u8> {
    let (line, _) = split_at_byte(content, b'\n');
    let end =
        line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |last| last + 1);
    line[..end].iter().map(|&byte| if byte == 0 { b'\n' } else { byte }).collect()
}

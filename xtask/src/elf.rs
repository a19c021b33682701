//! What the program headers of an ELF file say about how it is loaded.

use crate::error::{Error, Result};

/// How the kernel loads a program.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Loading {
    /// Load segments in all.
    pub segments: usize,
    /// Load segments that the program may write to.
    pub writable: usize,
    /// Whether it names an interpreter or has a dynamic section.
    pub dynamic: bool,
}

impl Loading {
    /// Reads the program headers of a whole file: ELF, little-endian, 32 or 64 bits.
    pub fn of(file: &[u8]) -> Result<Self> {
        Self::read(file).ok_or_else(|| Error::Failed("not a little-endian ELF file".into()))
    }

    fn read(file: &[u8]) -> Option<Self> {
        const LOAD: u64 = 1;
        const DYNAMIC: u64 = 2;
        const INTERPRETER: u64 = 3;
        const WRITE: u64 = 2;
        if !file.starts_with(b"\x7fELF") || number(file, 5, 1)? != 1 {
            return None;
        }
        // Places in the file header and in a program header, and their sizes.
        let wide = number(file, 4, 1)? == 2;
        let (table, size, count, flags) =
            if wide { ((32, 8), 54, 56, 4) } else { ((28, 4), 42, 44, 24) };
        let table = number(file, table.0, table.1)?;
        let size = number(file, size, 2)?;
        let mut loading = Self::default();
        for index in 0..number(file, count, 2)? {
            let header = usize::try_from(table + index * size).ok()?;
            match number(file, header, 4)? {
                LOAD => {
                    loading.segments += 1;
                    if number(file, header + flags, 4)? & WRITE != 0 {
                        loading.writable += 1;
                    }
                }
                DYNAMIC | INTERPRETER => loading.dynamic = true,
                _ => {}
            }
        }
        Some(loading)
    }
}

/// The processor that the file is for, if it is one that we build for.
pub fn machine(file: &[u8]) -> Option<&'static str> {
    match number(file, 18, 2)? {
        62 => Some("x86_64"),
        183 => Some("aarch64"),
        _ => None,
    }
}

/// The little-endian number of `size` bytes at `at`.
fn number(file: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = file.get(at..at.checked_add(size)?)?;
    Some(bytes.iter().rev().fold(0, |number, &byte| number << 8 | u64::from(byte)))
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A file of 64 bits with a program header for each (type, flags).
    pub fn file(headers: &[(u8, u8)]) -> Vec<u8> {
        let mut file = vec![0; 64];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        (file[32], file[54], file[56]) = (64, 56, u8::try_from(headers.len()).unwrap());
        for (kind, flags) in headers {
            let mut header = [0; 56];
            (header[0], header[4]) = (*kind, *flags);
            file.extend(header);
        }
        file
    }

    #[test]
    fn program_headers_are_counted() {
        let expected = Loading { segments: 2, writable: 1, dynamic: false };
        assert_eq!(Loading::of(&file(&[(1, 5), (0x51, 6), (1, 6)])).unwrap(), expected);
        for dynamic in [2, 3] {
            assert!(Loading::of(&file(&[(1, 5), (dynamic, 4)])).unwrap().dynamic);
        }
    }

    #[test]
    fn programs_of_this_machine_are_read() {
        let own = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let loading = Loading::of(&own).unwrap();
        assert!(loading.segments >= 2 && loading.writable >= 1, "{loading:?}");
        assert_eq!(machine(&own), Some(std::env::consts::ARCH));
        assert_eq!(machine(b"#!/bin/sh, and more than that"), None);
    }

    #[test]
    fn anything_else_is_refused() {
        let cut = &file(&[(1, 5)])[..70];
        for bad in [b"#!/bin/sh\n".as_slice(), b"", b"\x7fELF\x02\x02 big-endian", cut] {
            let error = Loading::of(bad).unwrap_err();
            assert_eq!(error.to_string(), "not a little-endian ELF file");
        }
    }
}

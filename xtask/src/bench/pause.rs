//! The smallest program that only waits: the floor of what a process costs, and
//! the quickest service there is.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::error::{OnFile, Result};

/// Where the file is loaded.
const BASE: u64 = 0x40_0000;

/// Writes the program, for the processor that this was compiled for; one that
/// still runs from before is left alone.
pub fn write(path: &Path) -> Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, image()).on("write", &new)?;
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(&new, mode).on("change the mode of", &new)?;
    std::fs::rename(&new, path).on("rename", new)
}

/// The machine's number in ELF, and code that sleeps until a signal ends it.
fn machine() -> (u16, &'static [u8]) {
    if cfg!(target_arch = "aarch64") {
        // mov x8, 73 (ppoll); mov x0..x3, 0; svc 0; back to the first.
        const CODE: [u8; 28] = [
            0x28, 0x09, 0x80, 0xd2, 0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x80, 0xd2, 0x02, 0x00,
            0x80, 0xd2, 0x03, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4, 0xfa, 0xff, 0xff, 0x17,
        ];
        (183, &CODE)
    } else {
        // mov eax, 34 (pause); syscall; back to the first.
        (62, &[0xb8, 0x22, 0, 0, 0, 0x0f, 0x05, 0xeb, 0xf7])
    }
}

/// The whole file: header, two program headers, code.
fn image() -> Vec<u8> {
    const HEADERS: u64 = 64 + 2 * 56;
    let (machine, code) = machine();
    let size = HEADERS + code.len() as u64;
    let mut file = Vec::from(*b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0");
    let half = |file: &mut Vec<u8>, number: u16| file.extend(number.to_le_bytes());
    let word = |file: &mut Vec<u8>, number: u32| file.extend(number.to_le_bytes());
    let wide = |file: &mut Vec<u8>, number: u64| file.extend(number.to_le_bytes());
    // An executable: type, machine, version, entry, program headers, no sections.
    half(&mut file, 2);
    half(&mut file, machine);
    word(&mut file, 1);
    wide(&mut file, BASE + HEADERS);
    wide(&mut file, 64);
    wide(&mut file, 0);
    word(&mut file, 0);
    for number in [64, 56, 2, 0, 0, 0] {
        half(&mut file, number);
    }
    // One segment, read and executed; a stack that is not executed.
    for (kind, flags, address, size, align) in
        [(1, 5, BASE, size, 0x1_0000), (0x6474_e551, 6, 0, 0, 16)]
    {
        word(&mut file, kind);
        word(&mut file, flags);
        for number in [0, address, address, size, size, align] {
            wide(&mut file, number);
        }
    }
    file.extend(code);
    file
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::elf::Loading;
    use crate::install::lay::tests::make_executable;
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    #[test]
    fn it_is_static_read_only_and_waits_for_a_signal() {
        let expected = Loading { segments: 1, writable: 0, dynamic: false };
        assert_eq!(Loading::of(&image()).unwrap(), expected);

        let path = std::env::temp_dir().join(format!("xtask-pause-{}", std::process::id()));
        write(&path).unwrap();
        make_executable(&path);
        let mut child = Command::new(&path).spawn().unwrap();
        std::fs::remove_file(&path).unwrap();
        crate::process::signal(child.id(), rustix::process::Signal::TERM).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }
}

//! The wording of system errors, `ERR` in CONTRACT.md: the reference's own,
//! since people and programs match it.

use linux_raw_sys::errno as e;
use rustix::io::Errno;

/// Error numbers and their texts.
type Texts = [(u32, &'static str)];

/// What can go wrong without a network.
const LOCAL: &Texts = &[
    (e::EPERM, "permission denied"),
    (e::ENOENT, "file does not exist"),
    (e::ESRCH, "no such process"),
    (e::EINTR, "interrupted system call"),
    (e::EIO, "input/output error"),
    (e::ENXIO, "device not configured"),
    (e::E2BIG, "argument list too long"),
    (e::ENOEXEC, "exec format error"),
    (e::EBADF, "file descriptor not open"),
    (e::ECHILD, "no child processes"),
    (e::EAGAIN, "temporary failure"),
    (e::ENOMEM, "out of memory"),
    (e::EACCES, "access denied"),
    (e::EFAULT, "bad address"),
    (e::ENOTBLK, "not a block device"),
    (e::EBUSY, "device busy"),
    (e::EEXIST, "file already exists"),
    (e::EXDEV, "cross-device link"),
    (e::ENODEV, "device does not support operation"),
    (e::ENOTDIR, "not a directory"),
    (e::EISDIR, "is a directory"),
    (e::EINVAL, "invalid argument"),
    (e::ENFILE, "system cannot open more files"),
    (e::EMFILE, "process cannot open more files"),
    (e::ENOTTY, "not a tty"),
    (e::ETXTBSY, "text busy"),
    (e::EFBIG, "file too big"),
    (e::ENOSPC, "out of disk space"),
    (e::ESPIPE, "unseekable descriptor"),
    (e::EROFS, "read-only file system"),
    (e::EMLINK, "too many links"),
    (e::EPIPE, "broken pipe"),
    (e::EDEADLK, "operation would cause deadlock"),
    (e::ENAMETOOLONG, "file name too long"),
    (e::ENOLCK, "no locks available"),
    (e::ENOSYS, "system call not available"),
    (e::ENOTEMPTY, "directory not empty"),
    (e::ELOOP, "symbolic link loop"),
    (e::ESTALE, "stale NFS file handle"),
    (e::EDQUOT, "disk quota exceeded"),
];

/// What can go wrong with sockets.
const NETWORK: &Texts = &[
    (e::EPROTO, "protocol error"),
    (e::EUSERS, "too many users"),
    (e::ENOTSOCK, "not a socket"),
    (e::EDESTADDRREQ, "destination address required"),
    (e::EMSGSIZE, "message too long"),
    (e::EPROTOTYPE, "incorrect protocol type"),
    (e::ENOPROTOOPT, "protocol not available"),
    (e::EPROTONOSUPPORT, "protocol not supported"),
    (e::ESOCKTNOSUPPORT, "socket type not supported"),
    (e::EOPNOTSUPP, "operation not supported"),
    (e::EPFNOSUPPORT, "protocol family not supported"),
    (e::EAFNOSUPPORT, "address family not supported"),
    (e::EADDRINUSE, "address already used"),
    (e::EADDRNOTAVAIL, "address not available"),
    (e::ENETDOWN, "network down"),
    (e::ENETUNREACH, "network unreachable"),
    (e::ENETRESET, "network reset"),
    (e::ECONNABORTED, "connection aborted"),
    (e::ECONNRESET, "connection reset"),
    (e::ENOBUFS, "out of buffer space"),
    (e::EISCONN, "already connected"),
    (e::ENOTCONN, "not connected"),
    (e::ESHUTDOWN, "socket shut down"),
    (e::ETOOMANYREFS, "too many references"),
    (e::ETIMEDOUT, "timed out"),
    (e::ECONNREFUSED, "connection refused"),
    (e::EHOSTDOWN, "host down"),
    (e::EHOSTUNREACH, "host unreachable"),
    (e::EALREADY, "operation already in progress"),
    (e::EINPROGRESS, "operation in progress"),
];

/// What stands for a number without a text.
const UNKNOWN: &str = "unknown system error";

/// All texts in one string, each behind its number and its length: a third of
/// the memory that a table of references would take.
static PACKED_LOCAL: [u8; size(LOCAL)] = pack(LOCAL);

/// The same.
static PACKED_NETWORK: [u8; size(NETWORK)] = pack(NETWORK);

const fn pack<const SIZE: usize>(texts: &Texts) -> [u8; SIZE] {
    let mut packed = [0; SIZE];
    let mut at = 0;
    let mut entry = 0;
    while entry < texts.len() {
        let text = texts[entry].1.as_bytes();
        packed[at] = narrow(texts[entry].0 as usize);
        packed[at + 1] = narrow(text.len());
        let mut i = 0;
        while i < text.len() {
            packed[at + 2 + i] = text[i];
            i += 1;
        }
        at += 2 + text.len();
        entry += 1;
    }
    packed
}

const fn size(texts: &Texts) -> usize {
    let mut size = 0;
    let mut entry = 0;
    while entry < texts.len() {
        size += 2 + texts[entry].1.len();
        entry += 1;
    }
    size
}

const fn narrow(number: usize) -> u8 {
    assert!(number < 256, "numbers and lengths of the table fit a byte");
    number.to_le_bytes()[0]
}

/// The text for `error`.
pub fn text(error: Errno) -> &'static str {
    find(&PACKED_LOCAL, error).or_else(|| find(&PACKED_NETWORK, error)).unwrap_or(UNKNOWN)
}

/// The text for `error`, in a program that has nothing to do with sockets and
/// no room for their errors.
pub fn local(error: Errno) -> &'static str {
    find(&PACKED_LOCAL, error).unwrap_or(UNKNOWN)
}

fn find(mut rest: &'static [u8], error: Errno) -> Option<&'static str> {
    while let [number, length, tail @ ..] = rest {
        let length = usize::from(*length);
        if i32::from(*number) == error.raw_os_error() {
            // SAFETY: these are the bytes of one of the texts, which are UTF-8.
            return tail.get(..length).map(|text| unsafe { core::str::from_utf8_unchecked(text) });
        }
        rest = tail.get(length..).unwrap_or_default();
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_is_found_again() {
        for (texts, locally) in [(LOCAL, true), (NETWORK, false)] {
            for &(number, expected) in texts {
                let error = Errno::from_raw_os_error(i32::try_from(number).unwrap());
                assert_eq!(text(error), expected);
                assert_eq!(local(error), if locally { expected } else { UNKNOWN });
            }
        }
        assert_eq!(text(Errno::from_raw_os_error(4000)), UNKNOWN);
    }
}

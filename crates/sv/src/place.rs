//! From a service's name to its directory, and to the files in it.

use alloc::vec::Vec;
use core::ffi::CStr;
use core::mem::ManuallyDrop;

use runit_core::layout;
use runit_rt::strings::c_str_in;

/// What `sv` looks at of the names in a service directory.
#[derive(Debug)]
pub struct Files {
    /// Has a reader while a supervisor lives.
    pub ok: &'static CStr,
    /// The status record.
    pub status: &'static CStr,
    /// Its presence means that the service is not started.
    pub down: &'static CStr,
    /// In the directory that these are about.
    pub dot: &'static CStr,
}

/// The service's own.
pub const SERVICE: Files = Files {
    ok: layout::SERVICE.ok,
    status: layout::SERVICE.status[0],
    down: layout::SERVICE.down,
    dot: c".",
};

/// The log service's.
pub const LOG: Files = Files {
    ok: layout::LOG.ok,
    status: layout::LOG.status[0],
    down: layout::LOG.down,
    dot: c"log/.",
};

/// What takes control bytes.
pub const CONTROL: &CStr = layout::SERVICE.control;

/// The supervisor's directory.
pub const SUPERVISE: &CStr = layout::SERVICE.supervise;

/// Says whether a service is ready.
pub const CHECK: &CStr = layout::SERVICE.check;

/// A service's directory, as a path that is opened anew at each look: what is
/// there then is what counts. One value serves for one service after another.
pub struct Place<'a> {
    /// Where names are looked up.
    services: &'a [u8],
    /// The directory, then the name in it that was last asked for. Not given
    /// back: see `Text`.
    path: ManuallyDrop<Vec<u8>>,
    /// The length of the directory's part, without a slash behind it.
    base: usize,
    /// Whether the name can be no service's: then all its paths are empty, and
    /// the kernel finds no such file.
    nowhere: bool,
}

impl<'a> Place<'a> {
    /// No service's yet; names are looked up in `services`.
    #[inline(never)]
    pub fn new(services: &'a [u8]) -> Self {
        Self { services, path: ManuallyDrop::new(Vec::new()), base: 0, nowhere: true }
    }

    /// Goes to the service `name`: a path if it begins with `/` or `.` or ends
    /// in `/`, else a name in the directory of services. Empty names are no
    /// service's.
    #[inline(never)]
    pub fn enter(&mut self, name: &[u8]) {
        match name {
            [b'/' | b'.', ..] | [.., b'/'] => self.enter_at(name, b""),
            _ => {
                self.enter_at(self.services, name);
                self.nowhere = name.is_empty() || self.services.is_empty();
            }
        }
    }

    /// Goes to `name` in `directory`, or to that itself if there is no name.
    #[inline(never)]
    pub fn enter_at(&mut self, directory: &[u8], name: &[u8]) {
        self.nowhere = false;
        self.path.clear();
        for piece in [directory, b"/", name] {
            self.path.extend_from_slice(piece);
        }
        while let Some(b'/') = self.path.last() {
            self.path.pop();
        }
        self.base = self.path.len();
    }

    /// The directory's path.
    #[inline(never)]
    pub fn directory(&mut self) -> &CStr {
        // The root is all slash.
        self.complete(if self.base == 0 { b"/\0" } else { b"\0" })
    }

    /// The path of `name` in the directory.
    #[inline(never)]
    pub fn at(&mut self, name: &CStr) -> &CStr {
        self.complete(b"/");
        self.path.extend_from_slice(name.to_bytes_with_nul());
        self.string()
    }

    #[inline(never)]
    fn complete(&mut self, rest: &[u8]) -> &CStr {
        self.path.truncate(self.base);
        self.path.extend_from_slice(rest);
        self.string()
    }

    fn string(&self) -> &CStr {
        c_str_in(&self.path).filter(|_| !self.nowhere).unwrap_or(c"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(name: &[u8], services: &[u8]) -> Vec<u8> {
        let mut place = Place::new(services);
        place.enter(name);
        place.at(c"run").to_bytes().to_vec()
    }

    #[test]
    fn names_are_looked_up_and_paths_are_not() {
        for (name, expected) in [
            (&b"a"[..], &b"/svc/a/run"[..]),
            (b"a/log", b"/svc/a/log/run"),
            (b"/x", b"/x/run"),
            (b"./a", b"./a/run"),
            (b".", b"./run"),
            (b"..", b"../run"),
            (b"a/", b"a/run"),
            (b"/", b"/run"),
            (b"-\xff\n", b"/svc/-\xff\n/run"),
        ] {
            assert_eq!(at(name, b"/svc"), expected);
        }
        assert_eq!(at(b"a", b"/"), b"//a/run");
        assert_eq!(at(b"/a", b""), b"/a/run");
        // No file has this path.
        assert_eq!(at(b"", b"/svc"), b"");
        assert_eq!(at(b"a", b""), b"");
    }

    #[test]
    fn a_place_serves_many_names() {
        let mut place = Place::new(b"/svc");
        assert_eq!(place.at(c"run"), c"");
        place.enter(b"a");
        assert_eq!(place.at(c"supervise/status"), c"/svc/a/supervise/status");
        assert_eq!(place.directory(), c"/svc/a");
        assert_eq!(place.at(c"down"), c"/svc/a/down");
        place.enter_at(b"/", b"");
        assert_eq!(place.directory(), c"/");
        place.enter_at(b"/etc/sv", b"a");
        assert_eq!(place.directory(), c"/etc/sv/a");
        place.enter(b"");
        assert_eq!(place.directory(), c"");
    }
}

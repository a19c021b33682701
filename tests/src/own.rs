//! Directories of a test's own in place of the system's, for programs that work on fixed paths; and
//! the parts of the suite that are files: `etc` and `scripts`.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::dirs::{TempDir, create_dir, write};
use crate::suite;

/// The top of the checkout.
pub fn checkout() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_owned()
}

/// Copies a file or directory of the checkout, links as links, to `to`.
#[track_caller]
pub fn install(from: &str, to: &Path) {
    let status = Command::new("cp").arg("-a").arg(checkout().join(from)).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "{from} not copied");
}

/// A `/etc`, `/run` and `/var` of its own, seen by what is started through [`Own::words`]. Needs
/// root, or user namespaces (see [`Own::alone`]).
#[derive(Debug)]
pub struct Own {
    dir: TempDir,
    namespaces: Vec<&'static str>,
}

impl Default for Own {
    fn default() -> Self {
        Self::new()
    }
}

impl Own {
    /// With nothing in them but accounts for root and nobody and two more, and with our scripts.
    #[track_caller]
    pub fn new() -> Self {
        let own = Self { dir: TempDir::new(), namespaces: vec!["--mount"] };
        for place in ["etc", "run", "var/log", "var/service", "scripts"] {
            create_dir(&own.path(place));
        }
        symlink("/run", own.path("var/run")).unwrap_or_else(|error| panic!("var/run: {error}"));
        write(
            &own.path("etc/passwd"),
            "root:x:0:0:root:/:/bin/sh\n\
             redis:x:61001:61001::/run:/bin/false\n\
             postgres:x:61002:61002::/run:/bin/false\n\
             someone:x:61003:61003::/run/someone:/bin/sh\n\
             nobody:x:65534:65534:nobody:/:/bin/false\n",
        );
        write(
            &own.path("etc/group"),
            "root:x:0:\nadm:x:4:\nsome:x:61003:\nmore:x:61004:someone\nnogroup:x:65534:\n",
        );
        let link = symlink(checkout().join("scripts"), own.path("scripts/suite"));
        link.unwrap_or_else(|error| panic!("scripts: {error}"));
        own
    }

    /// As an ordinary user may: root in a user namespace, and only root.
    #[must_use]
    pub fn alone(mut self) -> Self {
        self.namespaces.extend(["--user", "--map-root-user"]);
        self
    }

    /// With processes that all end when the first one does.
    #[must_use]
    pub fn with_processes(mut self) -> Self {
        self.namespaces.extend(["--pid", "--fork", "--kill-child", "--mount-proc"]);
        self
    }

    /// The path of something in these directories, such as `etc/passwd`, as seen from outside.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// The words that start a command, to follow them, in there.
    pub fn words(&self) -> Vec<OsString> {
        let script = "set -e
for place in etc run var; do
    mount --bind \"$0/$place\" \"/$place\"
done
PATH=$0/scripts/suite:$PATH
exec \"$@\"";
        let mut words: Vec<OsString> = vec!["unshare".into()];
        words.extend(self.namespaces.iter().map(Into::into));
        words.extend(["sh", "-c", script].map(Into::into));
        words.push(self.dir.path().into());
        words
    }

    /// A command of `sh` to be run in there.
    pub fn sh(&self, script: &str) -> crate::run::Run {
        let words = self.words();
        crate::run::Run::path(&words[0])
            .args(&words[1..])
            .args(["sh", "-c", script, "sh"])
            .env("PATH", path())
    }
}

/// The `PATH` for services: the suite's, and where the system keeps programs for its administrator.
pub fn path() -> OsString {
    let mut path = suite::search_path();
    path.push(":/usr/sbin:/sbin");
    path
}

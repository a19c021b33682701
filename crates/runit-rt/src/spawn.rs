//! Starting programs: vfork and exec, so that a start costs the same however
//! large this process is, and execution in place.

use core::ffi::{CStr, c_char, c_void};

use linux_raw_sys::general;
use rustix::fd::{AsRawFd, BorrowedFd};
use rustix::io::Errno;
use rustix::process::Pid;

use crate::arch::{syscall, vfork_call};
use crate::check;
use crate::signal::Inherited;
use crate::strings::CStrList;

/// The longest path that the kernel takes, with its NUL.
const PATH_MAX: usize = 4096;

/// Where `PATH` is looked up when the environment has none.
pub const DEFAULT_PATH: &CStr = c"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The most descriptors that a child can be given by [`Spawn::fds`].
pub const MAX_FDS: usize = 8;

/// Which file to execute.
#[derive(Clone, Copy)]
pub enum Program<'a> {
    /// This path, as it is.
    Path(&'a CStr),
    /// This name, looked up in a list of directories separated by colons (an
    /// empty one is the current directory), unless it has a slash in it.
    Search(&'a CStr, &'a CStr),
}

/// What can be executed.
pub trait Executable {
    /// Whether the child keeps this process's session and descriptors whatever
    /// [`Spawn`] says, for tools that have no room for the code to change them.
    const AS_IS: bool = false;

    /// Becomes this program; comes back only with the reason why not.
    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno;
}

impl Executable for Program<'_> {
    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
        execute(*self, argv, env)
    }
}

/// As [`Program::Path`], for tools that never search and have no room for the
/// code that would.
#[derive(Clone, Copy)]
pub struct FixedPath<'a>(pub &'a CStr);

impl Executable for FixedPath<'_> {
    fn execute(&self, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
        execve(self.0.as_ptr(), argv, env)
    }
}

/// The session that a child lives in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    /// This process's.
    Inherit,
    /// One of its own, which it leads.
    New,
    /// One of its own whose controlling terminal is the child's descriptor 0,
    /// taken from whoever has it; no terminal there is no error.
    NewWithTerminal,
}

/// What to do in a child before it executes its program, in this order:
/// session, directory, descriptors, signal state.
#[derive(Clone, Copy)]
pub struct Spawn<'a, P = Program<'a>> {
    /// The file.
    pub program: P,
    /// The child's arguments, its name first.
    pub argv: CStrList<'a>,
    /// The child's environment.
    pub env: CStrList<'a>,
    /// The directory to change to.
    pub dir: Option<&'a CStr>,
    /// Our descriptors and the numbers that the child is to have them as, at
    /// most [`MAX_FDS`]. All others of ours must be closed on exec.
    pub fds: &'a [(BorrowedFd<'a>, i32)],
    /// Its session.
    pub session: Session,
    /// Its signal state.
    pub signals: &'a Inherited,
    /// Called in the child when a step failed, before it ends with code 111:
    /// says so on standard error. It runs while this process stands still, in
    /// the same memory, with the child's descriptors.
    pub failed: &'a dyn Fn(Failure),
}

/// Why a child could not execute its program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The directory could not be entered.
    Directory(Errno),
    /// A descriptor could not be given its number.
    Descriptor(Errno),
    /// The program could not be executed.
    Execute(Errno),
}

impl<P: Executable> Spawn<'_, P> {
    /// Starts the child and gives its pid. An error means that there is no
    /// child; one that cannot execute its program ends by itself with code 111.
    pub fn start(&self) -> Result<Pid, Errno> {
        // SAFETY: `child` never returns. It writes to this memory only its own
        // stack frames and what `failed` does, which is bound by Rust's rules
        // for a shared reference.
        let pid =
            check(unsafe { vfork_call(child::<P>, core::ptr::from_ref(self).cast_mut().cast()) })?;
        i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(Errno::CHILD)
    }

    fn run_child(&self) -> Failure {
        if !P::AS_IS && self.session != Session::Inherit {
            // A child that has just been forked leads no process group yet,
            // so this cannot fail.
            let _ = rustix::process::setsid();
        }
        if let Some(dir) = self.dir {
            if let Err(error) = rustix::process::chdir(dir) {
                return Failure::Directory(error);
            }
        }
        if P::AS_IS {
            // Nothing to do.
        } else if let Err(error) = place_descriptors(self.fds) {
            return Failure::Descriptor(error);
        }
        if !P::AS_IS && self.session == Session::NewWithTerminal {
            // SAFETY: TIOCSCTTY takes a number; 1 takes the terminal from its
            // session, which only root may.
            unsafe {
                syscall(
                    general::__NR_ioctl,
                    [0, linux_raw_sys::ioctl::TIOCSCTTY as usize, 1, 0, 0, 0],
                );
            }
        }
        self.signals.restore();
        Failure::Execute(self.program.execute(self.argv, self.env))
    }
}

unsafe extern "C" fn child<P: Executable>(spawn: *mut c_void) -> ! {
    // SAFETY: `start` passes a reference that lives until the child is gone.
    let spawn = unsafe { &*spawn.cast::<Spawn<'_, P>>() };
    (spawn.failed)(spawn.run_child());
    crate::exit(111)
}

/// Gives each descriptor its number, whatever the order of the numbers.
fn place_descriptors(fds: &[(BorrowedFd<'_>, i32)]) -> Result<(), Errno> {
    let above = fds.iter().map(|&(_, target)| target).max().unwrap_or(0) + 1;
    let mut sources = [-1; MAX_FDS];
    for ((fd, target), source) in fds.iter().zip(&mut sources) {
        let number = fd.as_raw_fd();
        let in_the_way = fds.iter().any(|(_, t)| *t == number);
        // One that is in the place of another is moved out of the way first.
        *source = if in_the_way && number != *target {
            fcntl(number, general::F_DUPFD_CLOEXEC, above)?
        } else {
            number
        };
    }
    for (&(_, target), &source) in fds.iter().zip(&sources) {
        if source == target {
            // It only has to survive the exec.
            fcntl(target, general::F_SETFD, 0)?;
        } else {
            // SAFETY: dup3 takes three numbers. What it closes is the child's.
            check(unsafe { syscall(general::__NR_dup3, [raw(source), raw(target), 0, 0, 0, 0]) })?;
        }
    }
    Ok(())
}

fn fcntl(fd: i32, command: u32, argument: i32) -> Result<i32, Errno> {
    #[cfg(target_pointer_width = "64")]
    const FCNTL: u32 = general::__NR_fcntl;
    #[cfg(target_pointer_width = "32")]
    const FCNTL: u32 = general::__NR_fcntl64;
    // SAFETY: these commands take a number.
    let result =
        check(unsafe { syscall(FCNTL, [raw(fd), command as usize, raw(argument), 0, 0, 0]) })?;
    i32::try_from(result).map_err(|_| Errno::BADF)
}

/// A non-negative number as an argument of a system call.
fn raw(number: i32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// Becomes `program`; comes back only with the reason why not. Where a search
/// fails, the reason is that of a file that was found but not executable, if
/// there was one (POSIX, `execvp`).
pub fn execute(program: Program<'_>, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
    let (name, path) = match program {
        Program::Path(path) => return execve(path.as_ptr(), argv, env),
        Program::Search(name, _) if name.to_bytes().contains(&b'/') => {
            return execve(name.as_ptr(), argv, env);
        }
        Program::Search(name, path) => (name.to_bytes_with_nul(), path.to_bytes()),
    };
    if name.len() == 1 {
        return Errno::NOENT;
    }
    let mut worst = Errno::NOENT;
    let mut buffer = [0; PATH_MAX];
    for directory in path.split(|&byte| byte == b':') {
        let directory = if directory.is_empty() { b"." } else { directory };
        let end = directory.len() + 1 + name.len();
        let Some(file) = buffer.get_mut(..end) else {
            continue;
        };
        for (to, from) in file.iter_mut().zip(directory.iter().chain(b"/").chain(name)) {
            *to = *from;
        }
        match execve(file.as_ptr().cast(), argv, env) {
            Errno::NOENT | Errno::NOTDIR => {}
            Errno::ACCESS | Errno::PERM | Errno::ISDIR => worst = Errno::ACCESS,
            other => return other,
        }
    }
    worst
}

fn execve(path: *const c_char, argv: CStrList<'_>, env: CStrList<'_>) -> Errno {
    // SAFETY: `path` is a C string (both callers see to the NUL), and the
    // lists are null-terminated.
    let result = check(unsafe {
        syscall(
            general::__NR_execve,
            [path as usize, argv.as_ptr() as usize, env.as_ptr() as usize, 0, 0, 0],
        )
    });
    result.err().unwrap_or(Errno::NOEXEC)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::{SignalSet, block};
    use crate::strings::ListBuf;
    use core::cell::Cell;
    use rustix::fd::AsFd as _;
    use rustix::io::{fcntl_dupfd_cloexec, read};
    use rustix::pipe::{PipeFlags, pipe_with};
    use rustix::process::{WaitOptions, waitpid};
    use std::string::String;
    use std::vec::Vec;

    fn run(script: &CStr, fds: &[(BorrowedFd<'_>, i32)], session: Session) -> i32 {
        let argv = ListBuf::<4>::new(&[c"sh", c"-c", script]);
        let env = ListBuf::<2>::new(&[c"A=b c"]);
        let spawn = Spawn {
            program: Program::Search(c"sh", DEFAULT_PATH),
            argv: argv.as_list(),
            env: env.as_list(),
            dir: Some(c"/"),
            fds,
            session,
            signals: &block(SignalSet::EMPTY),
            failed: &|_| {},
        };
        let pid = spawn.start().unwrap();
        let (_, status) = waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap();
        status.exit_status().unwrap()
    }

    #[test]
    fn a_child_gets_directory_environment_and_code() {
        assert_eq!(run(c"test $PWD = / && test \"$A\" = 'b c' && exit 17", &[], Session::New), 17);
    }

    #[test]
    fn descriptors_that_stand_in_each_others_place_are_swapped() {
        let (a_in, a_out) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        let (b_in, b_out) = pipe_with(PipeFlags::CLOEXEC).unwrap();
        // High numbers which no other thread of this process uses.
        let first = fcntl_dupfd_cloexec(&a_out, 300).unwrap();
        let second = fcntl_dupfd_cloexec(&b_out, 301).unwrap();
        let swap = [(first.as_fd(), second.as_raw_fd()), (second.as_fd(), first.as_raw_fd())];
        let script = std::format!(
            "echo to-second >/dev/fd/{}; echo to-first >/dev/fd/{}",
            first.as_raw_fd(),
            second.as_raw_fd()
        );
        let script = std::ffi::CString::new(script).unwrap();
        assert_eq!(run(&script, &swap, Session::Inherit), 0);
        drop((a_out, b_out, first, second));
        for (end, text) in [(a_in, "to-first\n"), (b_in, "to-second\n")] {
            let mut buffer = Vec::from([0; 64]);
            let n = read(&end, &mut buffer[..]).unwrap();
            buffer.truncate(n);
            assert_eq!(String::from_utf8(buffer).unwrap(), text);
        }
    }

    #[test]
    fn a_failed_step_is_reported_and_ends_the_child_with_111() {
        let report = Cell::new(None);
        let argv = ListBuf::<2>::new(&[c"x"]);
        let mut spawn = Spawn {
            program: Program::Path(c"/nonexistent/program"),
            argv: argv.as_list(),
            env: argv.as_list(),
            dir: None,
            fds: &[],
            session: Session::Inherit,
            signals: &block(SignalSet::EMPTY),
            failed: &|failure| report.set(Some(failure)),
        };
        for (dir, program, expected) in [
            (None, spawn.program, Failure::Execute(Errno::NOENT)),
            (Some(c"/nonexistent"), spawn.program, Failure::Directory(Errno::NOENT)),
            (None, Program::Path(c"/"), Failure::Execute(Errno::ACCESS)),
            (
                None,
                Program::Search(c"no-such-program", DEFAULT_PATH),
                Failure::Execute(Errno::NOENT),
            ),
            (None, Program::Search(c"etc", c"/none:/"), Failure::Execute(Errno::ACCESS)),
            (None, Program::Search(c"", DEFAULT_PATH), Failure::Execute(Errno::NOENT)),
        ] {
            spawn.dir = dir;
            spawn.program = program;
            let pid = spawn.start().unwrap();
            let (_, status) = waitpid(Some(pid), WaitOptions::empty()).unwrap().unwrap();
            assert_eq!(status.exit_status(), Some(111));
            // Under an emulator that forks where it should vfork, the child's
            // report stays in the child.
            assert!(report.get() == Some(expected) || cfg!(not(target_arch = "x86_64")));
        }
    }
}

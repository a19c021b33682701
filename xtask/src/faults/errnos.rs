//! With what each system call can fail, as its manual page (section 2) tells.
//!
//! Left out: what only wrong arguments give (`EFAULT`, `EBADF` and most of `EINVAL`), as no state
//! of a system makes a right program see it. `ENOSYS` and `EPERM` are there where old kernels and
//! seccomp filters give them.

/// Calls and errors: the names that kernels have for the same call, then its errors.
type Row = (&'static [&'static str], &'static [&'static str]);

/// The table.
const ERRNOS: &[Row] = &[
    (&["fstat"], &["EIO", "ENOMEM", "ENOSYS"]),
    (&["execve"], &["EACCES", "EAGAIN", "EIO", "ELOOP", "EMFILE", "ENOENT", "ENOMEM", "ETXTBSY"]),
    (&["clone", "vfork", "fork", "clone3"], &["EAGAIN", "ENOMEM", "ENOSYS"]),
    (&["wait4", "waitid"], &["EINTR"]),
    (&["kill"], &["EPERM", "ESRCH"]),
    (&["setsid"], &["EPERM"]),
    (
        &["open", "openat"],
        &[
            "EACCES", "EDQUOT", "EINTR", "EIO", "ELOOP", "EMFILE", "ENFILE", "ENOENT", "ENOMEM",
            "ENOSPC", "EROFS",
        ],
    ),
    (&["read", "pread64"], &["EAGAIN", "EINTR", "EIO", "EISDIR"]),
    (
        &["write", "writev", "pwrite64"],
        &["EAGAIN", "EDQUOT", "EFBIG", "EINTR", "EIO", "ENOSPC", "EPIPE", "EROFS"],
    ),
    (&["close"], &["EDQUOT", "EINTR", "EIO", "ENOSPC"]),
    (&["fsync", "fdatasync"], &["EDQUOT", "EIO", "ENOSPC", "EROFS"]),
    (&["ftruncate"], &["EINTR", "EIO", "EPERM"]),
    (&["lseek"], &["ESPIPE"]),
    (
        &["rename", "renameat", "renameat2"],
        &["EACCES", "EDQUOT", "EIO", "ENOENT", "ENOMEM", "ENOSPC", "EROFS"],
    ),
    (&["unlink", "unlinkat"], &["EACCES", "EBUSY", "EIO", "ENOENT", "ENOMEM", "EROFS"]),
    (&["mkdir", "mkdirat"], &["EACCES", "EDQUOT", "EMLINK", "ENOENT", "ENOMEM", "ENOSPC", "EROFS"]),
    (&["mknod", "mknodat"], &["EACCES", "EDQUOT", "ENOENT", "ENOMEM", "ENOSPC", "EPERM", "EROFS"]),
    (
        &["stat", "lstat", "newfstatat", "statx"],
        &["EACCES", "EIO", "ELOOP", "ENOENT", "ENOMEM", "ENOSYS"],
    ),
    (&["fstatfs", "statfs"], &["EINTR", "EIO", "ENOMEM", "ENOSYS"]),
    (&["access", "faccessat", "faccessat2"], &["EACCES", "EIO", "ENOENT", "ENOMEM"]),
    (&["readlink", "readlinkat"], &["EACCES", "EINVAL", "EIO", "ENOENT", "ENOMEM"]),
    (&["getdents64"], &["EIO", "ENOENT"]),
    (&["chmod", "fchmod", "fchmodat", "fchmodat2"], &["EIO", "EPERM", "EROFS"]),
    (&["chdir", "fchdir"], &["EACCES", "EIO", "ENOENT", "ENOMEM", "ENOTDIR"]),
    (&["getcwd"], &["ENOENT", "ENOMEM"]),
    (&["chroot"], &["EACCES", "EIO", "ENOENT", "EPERM"]),
    (&["flock"], &["EAGAIN", "EINTR", "ENOLCK"]),
    (&["fcntl", "fcntl64"], &["EBUSY", "EMFILE", "EPERM"]),
    (&["dup2", "dup3"], &["EBUSY", "EINTR", "EMFILE"]),
    (&["pipe", "pipe2"], &["EMFILE", "ENFILE"]),
    (&["ioctl"], &["EINVAL", "ENOTTY", "EPERM"]),
    (&["poll", "ppoll", "ppoll_time64"], &["EINTR", "EINVAL", "ENOMEM"]),
    (&["signalfd4"], &["EMFILE", "ENFILE", "ENODEV", "ENOMEM", "ENOSYS"]),
    (&["inotify_init1"], &["EMFILE", "ENFILE", "ENOMEM", "ENOSYS"]),
    (&["inotify_add_watch"], &["EACCES", "ENOENT", "ENOMEM", "ENOSPC"]),
    (&["inotify_rm_watch"], &["EINVAL"]),
    (&["socket"], &["EACCES", "EAFNOSUPPORT", "EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]),
    (&["sendto"], &["EAGAIN", "ECONNREFUSED", "ENETUNREACH", "ENOBUFS", "EPERM"]),
    (&["connect"], &["EACCES", "EAGAIN", "ECONNREFUSED", "ENETUNREACH"]),
    (&["bind"], &["EACCES", "EADDRINUSE"]),
    (&["mmap"], &["EAGAIN", "ENOMEM", "EPERM"]),
    (&["mremap", "munmap", "brk", "madvise", "mprotect"], &["EAGAIN", "ENOMEM"]),
    (&["setuid", "setresuid", "setreuid"], &["EAGAIN", "EINVAL", "ENOMEM", "EPERM"]),
    (&["setgid", "setresgid", "setregid"], &["EINVAL", "EPERM"]),
    (&["setgroups"], &["EINVAL", "ENOMEM", "EPERM"]),
    (&["getgroups", "getresuid", "getresgid"], &["EPERM"]),
    (&["setpgid"], &["EACCES", "EPERM"]),
    (&["setrlimit", "prlimit64"], &["EINVAL", "EPERM"]),
    (&["getrlimit"], &["EPERM"]),
    (&["setpriority"], &["EACCES", "EPERM"]),
    (&["getpriority"], &["ESRCH"]),
    (&["sched_setaffinity", "sched_setscheduler", "ioprio_set"], &["EINVAL", "EPERM"]),
    (&["capget", "capset", "prctl", "unshare"], &["EINVAL", "EPERM"]),
    (&["close_range"], &["EMFILE", "ENOMEM", "ENOSYS"]),
    (&["nanosleep", "clock_nanosleep"], &["EINTR"]),
    (&["getrandom"], &["EAGAIN", "EINTR", "ENOSYS"]),
    (&["timerfd_create"], &["EMFILE", "ENFILE", "ENODEV", "ENOMEM"]),
    (&["timerfd_settime"], &["EINVAL"]),
    (&["reboot"], &["EPERM"]),
    (&["sync"], &["ENOSYS"]),
    (&["rt_sigtimedwait", "rt_sigtimedwait_time64"], &["EAGAIN", "EINTR"]),
    (
        &["symlink", "symlinkat"],
        &["EACCES", "EDQUOT", "EEXIST", "EIO", "ENOENT", "ENOMEM", "ENOSPC", "EROFS"],
    ),
];

/// Calls that do not fail with right arguments, or do not return.
const INFALLIBLE: &[&str] = &[
    "exit",
    "exit_group",
    "clock_gettime",
    "clock_gettime64",
    "gettimeofday",
    "rt_sigprocmask",
    "rt_sigaction",
    "rt_sigreturn",
    "getpid",
    "getppid",
    "gettid",
    "getuid",
    "geteuid",
    "getgid",
    "getegid",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "restart_syscall",
    "getsid",
    "umask",
    "uname",
    "sched_yield",
];

/// What is known of a call.
#[derive(Debug, PartialEq, Eq)]
pub enum Known {
    /// It fails with these.
    Fails(&'static [&'static str]),
    /// It does not fail.
    Never,
    /// It is in neither table.
    Not,
}

/// Looks a call up.
pub fn of(call: &str) -> Known {
    if INFALLIBLE.contains(&call) {
        return Known::Never;
    }
    let row = ERRNOS.iter().find(|(names, _)| names.contains(&call));
    row.map_or(Known::Not, |(_, errors)| Known::Fails(errors))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_call_stands_once_and_fails_with_something() {
        let mut names: Vec<_> = ERRNOS.iter().flat_map(|(names, _)| *names).collect();
        names.extend(INFALLIBLE);
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        assert!(ERRNOS.iter().all(|(_, errors)| errors.iter().all(|error| error.starts_with('E'))));
        assert!(ERRNOS.iter().all(|(_, errors)| errors.is_sorted() && !errors.is_empty()));
    }

    #[test]
    fn calls_are_looked_up_by_any_name() {
        assert_eq!(of("open"), of("openat"));
        assert_eq!(of("exit_group"), Known::Never);
        assert_eq!(of("no_such_call"), Known::Not);
        let Known::Fails(errors) = of("fsync") else { panic!("fsync") };
        assert!(errors.contains(&"EIO"));
    }
}

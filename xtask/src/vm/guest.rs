//! A machine in QEMU, typed at and listened to through its serial line.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::serial::{Missing, Serial};
use crate::error::{Error, OnFile, Result};

/// How long anything may take that the guest does: many times what it needs, as it
/// is emulated, maybe on a busy machine.
pub const LIMIT: Duration = Duration::from_secs(180);

/// What is between two looks at what cannot be waited for.
const PAUSE: Duration = Duration::from_millis(100);

/// What QEMU is started with.
#[derive(Clone)]
pub struct Machine {
    /// `qemu-system-...` and the options that make it this kind of machine.
    pub qemu: Vec<String>,
    /// The kernel's file.
    pub kernel: PathBuf,
    /// The initramfs.
    pub initrd: PathBuf,
    /// The kernel's command line.
    pub command_line: String,
    /// A disk, for which changes are forgotten at the end.
    pub disk: Option<PathBuf>,
    /// The name of its transcript, without `.log`.
    pub base: PathBuf,
}

/// A machine that runs. It ends with the value.
pub struct Guest {
    child: Child,
    input: ChildStdin,
    serial: Serial,
    /// Where in the text the next wait begins.
    at: usize,
    monitor: PathBuf,
    commands: u32,
}

impl Guest {
    /// Switches the machine on.
    pub fn start(machine: &Machine) -> Result<Self> {
        let log = machine.base.with_extension("log");
        // The names of sockets are short, those of checkouts may be long.
        let monitor = format!("runit-vm-{}.monitor", std::process::id());
        let monitor = std::env::temp_dir().join(monitor);
        let _ = std::fs::remove_file(&monitor);
        let transcript = File::create(&log).on("create", log)?;
        let mut words = machine.qemu.iter();
        let mut qemu = Command::new(words.next().map_or("qemu", |word| word));
        qemu.args(words).args(["-accel", "tcg", "-display", "none", "-nodefaults"]);
        qemu.args(["-serial", "stdio", "-monitor"]);
        qemu.arg(format!("unix:{},server=on,wait=off", monitor.display()));
        qemu.arg("-kernel").arg(&machine.kernel).arg("-initrd").arg(&machine.initrd);
        qemu.arg("-append").arg(&machine.command_line);
        if let Some(disk) = &machine.disk {
            qemu.arg("-drive");
            qemu.arg(format!("file={},if=virtio,format=raw,snapshot=on", disk.display()));
        }
        qemu.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = qemu
            .spawn()
            .map_err(|cause| Error::Start { program: qemu.get_program().to_owned(), cause })?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Error::Failed("QEMU has no standard input and output".into()));
        };
        let serial = Serial::read(output, transcript);
        Ok(Self { child, input, serial, at: 0, monitor, commands: 0 })
    }

    /// Waits until the guest says `text`; gives what it said before that.
    pub fn expect(&mut self, text: &str) -> Result<String> {
        let found = self.serial.wait(self.at, LIMIT, |said| {
            said.find(text).map(|at| (at, said.get(..at).unwrap_or_default().to_owned()))
        });
        match found {
            Ok((at, before)) => {
                self.at += at + text.len();
                Ok(before)
            }
            Err(missing) => Err(self.trouble(missing, &format!("'{text}'"))),
        }
    }

    /// Waits until the guest has said these, in this order, other things between.
    pub fn expect_in_order(&mut self, texts: &[&str]) -> Result<()> {
        texts.iter().try_for_each(|text| self.expect(text).map(drop))
    }

    /// Types a line.
    pub fn type_line(&mut self, line: &str) -> Result<()> {
        let typed = self.input.write_all(format!("{line}\r").as_bytes());
        typed.and_then(|()| self.input.flush()).on("type at", "the serial line")
    }

    /// Logs in as root, whose password is empty, at the prompt of a getty.
    pub fn log_in(&mut self) -> Result<()> {
        self.expect("login: ")?;
        self.type_line("root")?;
        self.shell()
    }

    /// Waits for a shell's prompt, as good as root's in busybox and Debian.
    pub fn shell(&mut self) -> Result<()> {
        self.expect("# ").map(drop)
    }

    /// Has the shell run a command; gives its output and exit code.
    pub fn run(&mut self, command: &str) -> Result<(String, u32)> {
        self.commands += 1;
        let number = self.commands;
        // The quotes keep what is echoed from being taken for what is said.
        self.type_line(&format!("echo be''gin-{number}; {command}; echo e''nd-{number}-$?-"))?;
        self.expect(&format!("begin-{number}\r\n"))?;
        let output = self.expect(&format!("end-{number}-"))?;
        let code = self.expect("-")?;
        let code = code.parse().map_err(|_| Error::Failed(format!("exit code '{code}'")))?;
        Ok((output.replace('\r', "").trim_end().to_owned(), code))
    }

    /// The output of a command that must succeed.
    pub fn succeed(&mut self, command: &str) -> Result<String> {
        match self.run(command)? {
            (output, 0) => Ok(output),
            (output, code) => {
                Err(Error::Failed(format!("{command}: exit code {code}, output '{output}'")))
            }
        }
    }

    /// Has the command run again and again until it succeeds.
    pub fn until(&mut self, command: &str) -> Result<String> {
        let end = Instant::now() + LIMIT;
        loop {
            let (output, code) = self.run(command)?;
            if code == 0 {
                return Ok(output);
            }
            if Instant::now() > end {
                return Err(Error::Failed(format!(
                    "{command}: still exit code {code}, output '{output}'"
                )));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Gives QEMU's monitor a command.
    pub fn monitor(&mut self, command: &str) -> Result<()> {
        let mut stream = UnixStream::connect(&self.monitor).on("connect to", &self.monitor)?;
        stream.set_read_timeout(Some(LIMIT)).on("set up", &self.monitor)?;
        let prompt = |stream: &mut UnixStream| -> Result<()> {
            let mut said = Vec::new();
            let mut byte = [0];
            while !said.ends_with(b"(qemu) ") {
                stream.read_exact(&mut byte).on("read", &self.monitor)?;
                said.extend(byte);
            }
            Ok(())
        };
        prompt(&mut stream)?;
        writeln!(stream, "{command}").on("write to", &self.monitor)?;
        prompt(&mut stream)
    }

    /// Waits until the machine is off, and QEMU with it.
    pub fn expect_off(&mut self) -> Result<()> {
        let end = Instant::now() + LIMIT;
        while Instant::now() < end {
            if let Some(status) = self.ended()? {
                if status.success() {
                    return Ok(());
                }
                return Err(Error::Failed(format!("QEMU: {status}")));
            }
            std::thread::sleep(PAUSE);
        }
        Err(self.trouble(Missing::TimedOut, "the power to go off"))
    }

    /// Whether it is still on.
    pub fn is_on(&mut self) -> Result<bool> {
        Ok(self.ended()?.is_none())
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().on("wait for", "QEMU")
    }

    /// From here on only what is said later counts.
    pub fn forget(&mut self) {
        self.at = self.serial.length();
    }

    fn trouble(&self, missing: Missing, what: &str) -> Error {
        let why = match missing {
            Missing::TimedOut => "has not come in time",
            Missing::Ended => "has not come before QEMU ended",
        };
        Error::Failed(format!("{what} {why}; last lines:\n{}", indented(&self.serial.tail(25))))
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_file(&self.monitor);
    }
}

fn indented(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(|line| format!("    | {}", line.trim_end())).collect();
    lines.join("\n")
}

/// Whether QEMU's program is installed, or what to install.
pub fn require(program: &str, package: &str) -> Result<()> {
    if crate::process::in_path(program) || Path::new(program).is_file() {
        return Ok(());
    }
    Err(Error::Failed(format!("this needs {program} (Debian: {package})")))
}

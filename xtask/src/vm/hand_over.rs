//! How long it takes from the kernel's start of process 1 to stage 2.
//!
//! Time in these machines goes by the instructions that they execute (QEMU's
//! `-icount`): what else the host has to do does not count.

use std::path::Path;

use super::guest::Guest;
use super::machine::Machines;
use crate::error::{Error, Result};
use crate::table::Table;

/// As little as a stage 1 can be.
const STAGE_1: &str = "#!/bin/sh\nexit 0\n";

/// Tells the kernel, which knows the time.
const STAGE_2: &str = "#!/bin/sh\necho 'runit-vm: in stage 2' >/dev/kmsg\nexec sleep 1000\n";

/// What the kernel says when it hands over.
const BEGIN: &str = "Run /sbin/init as init process";
/// What our stage 2 has it say.
const END: &str = "runit-vm: in stage 2";

/// Boots of each, of which the median counts.
const BOOTS: usize = 3;

/// Where Debian has C runit.
const C: &str = "/usr/bin";

/// Measures, and prints a table.
pub fn measure(machines: &Machines) -> Result<()> {
    let mut table = Table::new(["programs", "kernel done (s)", "stage 2 (s)", "between (ms)"]);
    let c = Path::new(C);
    let has_c = c.join("runsv").is_file();
    let suites = [("ours", None), ("C", has_c.then_some(c))];
    for (name, suite) in suites.into_iter().filter(|(name, c)| *name == "ours" || c.is_some()) {
        let mut machine =
            machines.with_stages(&format!("hand-over-{name}"), suite, [STAGE_1, STAGE_2])?;
        machine.qemu.extend(["-icount", "shift=0,sleep=off"].map(String::from));
        let mut found = Vec::new();
        for _ in 0..BOOTS {
            let mut guest = Guest::start(&machine)?;
            let begun = stamp(&guest.expect(BEGIN)?)?;
            found.push((begun, stamp(&guest.expect(END)?)?));
        }
        found.sort_by_key(|(begun, ended)| ended - begun);
        let Some((begun, ended)) = found.get(BOOTS / 2).copied() else { continue };
        table.row([name.to_owned(), seconds(begun), seconds(ended), milliseconds(ended - begun)]);
    }
    println!("\nFrom the kernel to stage 2, by the guest's clock, median of {BOOTS} boots:\n");
    print!("{}", table.markdown());
    Ok(())
}

/// The microseconds that the kernel puts before a message: of the last in `text`.
fn stamp(text: &str) -> Result<u64> {
    let inside = text.rsplit_once('[').and_then(|(_, rest)| rest.split_once(']'));
    let parsed = inside.and_then(|(stamp, _)| {
        let (seconds, micros) = stamp.trim().split_once('.')?;
        Some(seconds.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?)
    });
    parsed.ok_or_else(|| Error::Failed("the kernel tells no time".into()))
}

fn seconds(micros: u64) -> String {
    format!("{}.{:03}", micros / 1_000_000, micros % 1_000_000 / 1000)
}

fn milliseconds(micros: u64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_time_is_read() {
        assert_eq!(stamp("[    0.1] x\r\n[   12.345678] ").unwrap(), 12_345_678);
        assert!(stamp("Run").is_err());
        assert_eq!((seconds(12_345_678), milliseconds(12_345)), ("12.345".into(), "12.3".into()));
    }
}

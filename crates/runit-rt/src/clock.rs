//! The clocks, by plain system calls: the vDSO would cost every process more
//! memory than its speed is worth here.

use core::mem::MaybeUninit;
use core::time::Duration;

use linux_raw_sys::general;

use crate::arch::syscall;

#[cfg(target_pointer_width = "64")]
const CLOCK_GETTIME: u32 = general::__NR_clock_gettime;
#[cfg(target_pointer_width = "32")]
const CLOCK_GETTIME: u32 = general::__NR_clock_gettime64;

#[cfg(target_pointer_width = "64")]
const SLEEP: u32 = general::__NR_clock_nanosleep;
#[cfg(target_pointer_width = "32")]
const SLEEP: u32 = general::__NR_clock_nanosleep_time64;

/// Does nothing for a quarter of a second: between attempts at what fails though it should not,
/// so that they do not take all of a processor.
pub fn pause() {
    static TIME: general::__kernel_timespec =
        general::__kernel_timespec { tv_sec: 0, tv_nsec: 250_000_000 };
    // A span of time is the same by this clock, even when it is set.
    // SAFETY: reads one timespec; no place is given for what is left.
    unsafe {
        syscall(SLEEP, [general::CLOCK_REALTIME as usize, 0, &raw const TIME as usize, 0, 0, 0]);
    }
}

/// Time since 1970-01-01 00:00 UTC by the clock on the wall, which may jump.
/// A clock set before 1970 reads as 1970.
pub fn realtime() -> Duration {
    read(general::CLOCK_REALTIME)
}

/// Time since boot, never running backwards; it stands still in suspend.
pub fn monotonic() -> Duration {
    read(general::CLOCK_MONOTONIC)
}

fn read(clock: u32) -> Duration {
    let mut time = MaybeUninit::<general::__kernel_timespec>::zeroed();
    // SAFETY: the kernel writes one timespec to the place given. It cannot
    // fail for these clocks; if it did, the zeros would stand.
    unsafe {
        syscall(CLOCK_GETTIME, [clock as usize, time.as_mut_ptr() as usize, 0, 0, 0, 0]);
    }
    // SAFETY: all zeros is a valid timespec, and so is what the kernel wrote.
    let time = unsafe { time.assume_init() };
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let part = u64::try_from(time.tv_nsec).unwrap_or(0);
    // In nanoseconds, 64 bits last until the year 2554.
    Duration::from_nanos(seconds.saturating_mul(1_000_000_000).saturating_add(part))
}

#[cfg(test)]
mod tests {
    use std::time::{SystemTime, UNIX_EPOCH};

    #[test]
    fn realtime_is_the_systems() {
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ours = super::realtime();
        let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        assert!(before <= ours && ours <= after);
    }

    #[test]
    fn monotonic_never_decreases() {
        let first = super::monotonic();
        assert!(first <= super::monotonic());
    }
}

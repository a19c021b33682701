//! A map by process number, in the order of the numbers: the same in each run.

use std::collections::BTreeMap;

use rustix::process::Pid;

/// See the module.
#[derive(Debug)]
pub struct Table<T>(BTreeMap<i32, (Pid, T)>);

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<T> Table<T> {
    /// What there is for a process.
    pub fn get(&self, pid: Pid) -> Option<&T> {
        self.0.get(&pid.as_raw_pid()).map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, pid: Pid) -> Option<&mut T> {
        self.0.get_mut(&pid.as_raw_pid()).map(|(_, value)| value)
    }

    /// Whether there is something.
    pub fn has(&self, pid: Pid) -> bool {
        self.0.contains_key(&pid.as_raw_pid())
    }

    /// Puts something there.
    pub fn insert(&mut self, pid: Pid, value: T) {
        self.0.insert(pid.as_raw_pid(), (pid, value));
    }

    /// Takes it out.
    pub fn remove(&mut self, pid: Pid) -> Option<T> {
        self.0.remove(&pid.as_raw_pid()).map(|(_, value)| value)
    }

    /// All of it, in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &T> + Clone {
        self.0.values().map(|(_, value)| value)
    }

    /// The same, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.values_mut().map(|(_, value)| value)
    }

    /// The process numbers.
    pub fn pids(&self) -> Vec<Pid> {
        self.0.values().map(|(pid, _)| *pid).collect()
    }

    /// Process numbers and what there is for them.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = (Pid, &mut T)> {
        self.0.values_mut().map(|(pid, value)| (*pid, value))
    }

    /// Keeps what is wanted.
    pub fn retain(&mut self, mut wanted: impl FnMut(Pid, &T) -> bool) {
        self.0.retain(|_, (pid, value)| wanted(*pid, value));
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

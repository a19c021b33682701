//! A whole tree of services in a virtual world that fails: `runit`, `runsvdir`,
//! many `runsv`, `svlogd` and `sv`, their real decisions in simulated shells, on
//! a virtual clock. What is in it and what is not: docs/simulation.md.
//!
//! | module | holds |
//! |---|---|
//! | [`clock`], [`rng`] | time, and chance that can be repeated |
//! | [`kernel`], [`signals`], [`process`], [`table`], [`pipe`], [`disk`], [`service`], [`names`], [`logdir`] | the world, and what fails in it |
//! | [`init`], [`directory`], [`supervisor`], [`logger`], [`writer`], [`client`] | shells around the machines of `runit`, `runsvdir`, `runsv`, `svlogd`, `sv` |
//! | [`tree`] | all of them together |
//! | [`model`], [`ledger`], [`invariant`] | what must be true |
//! | [`habits`], [`action`], [`happening`] | how a world is, and what happens to it |
//! | [`life`], [`calm`], [`campaign`], [`seeds`] | one life, and many |
//! | [`shrink`], [`report`] | what is told of one that went wrong |
//! | [`sabotage`] | faults of our own making, to be found |
#![forbid(unsafe_code)]

pub mod action;
pub mod calm;
pub mod campaign;
pub mod client;
pub mod clock;
pub mod directory;
pub mod disk;
pub mod habits;
pub mod happening;
pub mod init;
pub mod invariant;
pub mod kernel;
pub mod ledger;
pub mod life;
pub mod logdir;
pub mod logger;
pub mod model;
pub mod names;
pub mod pipe;
pub mod process;
pub mod report;
pub mod rng;
pub mod sabotage;
pub mod seeds;
pub mod service;
pub mod shrink;
pub mod signals;
pub mod supervisor;
pub mod table;
#[cfg(test)]
mod tests;
pub mod tree;
pub mod writer;

//! The machines tried without a system call: every state with every event, and
//! whole lives in a virtual world.

mod model;
mod rng;
mod scenarios;
mod simulation;
mod table;
mod world;

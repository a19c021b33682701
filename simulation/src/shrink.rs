//! Makes a schedule that fails shorter, for as long as it fails the same way.

use crate::action::Action;
use crate::invariant::Invariant;
use crate::life::{Plan, live};

/// How many lives are lived for that at most.
const MOST: u32 = 3000;

/// The shortest schedule found that still breaks `invariant`: halves are left
/// out, then quarters, down to single actions (delta debugging).
pub fn shrink(plan: &Plan, invariant: Invariant) -> Plan {
    let mut best = plan.clone();
    let mut parts = 2;
    let mut lives = 0;
    while lives < MOST && !best.actions.is_empty() {
        let size = best.actions.len().div_ceil(parts);
        let mut shorter = None;
        let mut start = 0;
        while start < best.actions.len() && lives < MOST {
            let left: Vec<Action> = best
                .actions
                .iter()
                .enumerate()
                .filter(|(index, _)| !(start..start + size).contains(index))
                .map(|(_, &action)| action)
                .collect();
            let candidate = Plan { actions: left, ..best.clone() };
            lives += 1;
            if live(&candidate, false).violation.is_some_and(|v| v.invariant == invariant) {
                shorter = Some(candidate);
                break;
            }
            start += size;
        }
        match shorter {
            Some(plan) => {
                best = plan;
                parts = parts.saturating_sub(1).max(2);
            }
            None if size <= 1 => break,
            None => parts = (parts * 2).min(best.actions.len()),
        }
    }
    best
}

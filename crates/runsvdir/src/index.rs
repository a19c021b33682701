//! Finding things among thousands: items in numbered slots, and a hash index of
//! these numbers. One index for all kinds of key, so that its code is there
//! once; ordered maps of the library would make up half of the program.

use alloc::vec::Vec;

/// Items, each in a slot with a number of its own for as long as it stays.
#[derive(Debug)]
pub struct Slots<T> {
    items: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Slots<T> {
    /// Without items.
    pub const fn new() -> Self {
        Self { items: Vec::new(), free: Vec::new() }
    }

    /// Puts `item` into a free slot; gives its number.
    pub fn insert(&mut self, item: T) -> usize {
        let slot = self.free.pop().unwrap_or(self.items.len());
        match self.items.get_mut(slot) {
            Some(place) => *place = Some(item),
            None => self.items.push(Some(item)),
        }
        slot
    }

    /// Takes the item out of `slot`.
    pub fn remove(&mut self, slot: usize) -> Option<T> {
        let item = self.items.get_mut(slot)?.take()?;
        self.free.push(slot);
        Some(item)
    }

    /// The item in `slot`.
    pub fn get(&self, slot: usize) -> Option<&T> {
        self.items.get(slot)?.as_ref()
    }

    /// The item in `slot`.
    pub fn get_mut(&mut self, slot: usize) -> Option<&mut T> {
        self.items.get_mut(slot)?.as_mut()
    }

    /// All items with the numbers of their slots.
    pub fn iter(&self) -> impl Iterator<Item = (usize, &T)> {
        self.items.iter().enumerate().filter_map(|(slot, item)| Some((slot, item.as_ref()?)))
    }

    /// All items.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.items.iter_mut().flatten()
    }
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Numbers of slots by hash: open addressing, with the next free place taken
/// and gaps closed on removal.
#[derive(Debug, Default)]
pub struct Index {
    /// A power of two of them, or none.
    places: Vec<Option<(u32, usize)>>,
    used: usize,
}

impl Index {
    /// An empty index.
    pub const fn new() -> Self {
        Self { places: Vec::new(), used: 0 }
    }

    /// The first slot under `hash` of which `is_it` is true.
    pub fn find(&self, hash: u32, is_it: &dyn Fn(usize) -> bool) -> Option<usize> {
        let mut at = self.home(hash);
        // At least a quarter of the places is free, so this ends.
        while let Some(&Some((other, slot))) = self.places.get(at) {
            if other == hash && is_it(slot) {
                return Some(slot);
            }
            at = self.next(at);
        }
        None
    }

    /// Adds `slot` under `hash`.
    pub fn insert(&mut self, hash: u32, slot: usize) {
        if (self.used + 1) * 4 > self.places.len() * 3 {
            let larger = (self.places.len() * 2).max(16);
            let old = core::mem::take(&mut self.places);
            self.places.resize(larger, None);
            for &(hash, slot) in old.iter().flatten() {
                self.put(hash, slot);
            }
        }
        self.put(hash, slot);
        self.used += 1;
    }

    fn put(&mut self, hash: u32, slot: usize) {
        let mut at = self.home(hash);
        while let Some(Some(_)) = self.places.get(at) {
            at = self.next(at);
        }
        if let Some(place) = self.places.get_mut(at) {
            *place = Some((hash, slot));
        }
    }

    /// Removes `slot`, which was added under `hash`.
    pub fn remove(&mut self, hash: u32, slot: usize) {
        let mut gap = self.home(hash);
        while self.places.get(gap).is_some_and(|&place| place != Some((hash, slot))) {
            if self.places.get(gap) == Some(&None) {
                return;
            }
            gap = self.next(gap);
        }
        if self.places.is_empty() {
            return;
        }
        self.used -= 1;
        let mut at = gap;
        loop {
            at = self.next(at);
            let Some(&Some(moved)) = self.places.get(at) else { break };
            // One behind the gap moves into it, unless its home lies between.
            let distance = at.wrapping_sub(self.home(moved.0)) & self.mask();
            if distance >= at.wrapping_sub(gap) & self.mask() {
                self.set(gap, Some(moved));
                gap = at;
            }
        }
        self.set(gap, None);
    }

    fn set(&mut self, at: usize, value: Option<(u32, usize)>) {
        if let Some(place) = self.places.get_mut(at) {
            *place = value;
        }
    }

    fn mask(&self) -> usize {
        self.places.len().wrapping_sub(1)
    }

    fn home(&self, hash: u32) -> usize {
        hash as usize & self.mask()
    }

    fn next(&self, at: usize) -> usize {
        at.wrapping_add(1) & self.mask()
    }
}

/// A hash of `key` (FNV-1a).
pub fn hash(key: &[u8]) -> u32 {
    key.iter().fold(0x811c_9dc5, |hash, &byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn slots_are_used_again() {
        let mut slots = Slots::new();
        let (a, b) = (slots.insert('a'), slots.insert('b'));
        assert_eq!(slots.remove(a), Some('a'));
        assert_eq!(slots.remove(a), None);
        assert_eq!(slots.insert('c'), a);
        assert_eq!(slots.iter().collect::<Vec<_>>(), [(a, &'c'), (b, &'b')]);
    }

    /// Against a map, with few hashes so that many collide.
    #[test]
    fn an_index_finds_what_was_added_and_not_removed() {
        for seed in 0..8_u32 {
            let mut random = seed.wrapping_mul(0x9e37_79b9) | 1;
            let mut index = Index::new();
            let mut model = BTreeMap::new();
            for step in 0..600_usize {
                random ^= random << 13;
                random ^= random >> 17;
                random ^= random << 5;
                let hash = random % (8 + seed);
                if random & 0x3000 == 0 {
                    if let Some((&slot, &hash)) = model.iter().nth(random as usize % 7) {
                        index.remove(hash, slot);
                        model.remove(&slot);
                    }
                } else if model.len() < 100 {
                    index.insert(hash, step);
                    model.insert(step, hash);
                }
                let probe = random as usize % (step + 1);
                let found = (0..40).find(|&h| index.find(h, &|slot| slot == probe).is_some());
                assert_eq!(found, model.get(&probe).copied(), "seed {seed}, step {step}");
            }
            assert_eq!(index.used, model.len());
        }
        assert_eq!(Index::new().find(7, &|_| true), None);
        Index::new().remove(7, 7);
    }
}

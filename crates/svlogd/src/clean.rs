//! Cleaning of lines: `-r C` and `-R CHARS` (CONTRACT section 6).

use alloc::boxed::Box;

use runit_rt::bytes;

/// Says what becomes of each byte.
#[derive(Clone, Debug)]
pub struct Cleaner {
    replacement: u8,
    /// Where more than what is not printable is replaced: what by.
    table: Option<Box<[u8; 256]>>,
}

impl Cleaner {
    /// What is outside 32..=126, and each of `chars`, becomes `replacement`.
    pub fn new(replacement: u8, chars: &[u8]) -> Self {
        let table = (!chars.is_empty()).then(|| {
            let mut table = Box::new([0; 256]);
            for (byte, entry) in table.iter_mut().enumerate() {
                *entry = byte.to_le_bytes()[0];
            }
            bytes::replace_unprintable(&mut *table, replacement);
            for byte in chars {
                table[usize::from(*byte)] = replacement;
            }
            // A line's end is no part of it.
            table[usize::from(b'\n')] = b'\n';
            table
        });
        Self { replacement, table }
    }

    /// Cleans lines in place.
    pub fn clean(&self, lines: &mut [u8]) {
        match &self.table {
            Some(table) => {
                for byte in lines {
                    *byte = table[usize::from(*byte)];
                }
            }
            None => bytes::replace_unprintable(lines, self.replacement),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_kept_or_replaced() {
        for chars in [&b"x~\n"[..], b""] {
            let cleaner = Cleaner::new(b'?', chars);
            let mut line: [u8; 256] = core::array::from_fn(|n| n.to_le_bytes()[0]);
            cleaner.clean(&mut line);
            for byte in 0..=255_u8 {
                let printable = (32..=126).contains(&byte) && !chars.contains(&byte);
                let keep = byte == b'\n' || printable;
                assert_eq!(line[usize::from(byte)], if keep { byte } else { b'?' }, "{byte}");
            }
        }
    }
}

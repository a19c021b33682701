//! Cleaning of lines: `-r C` and `-R CHARS` (CONTRACT section 6).

/// Says what becomes of each byte.
#[derive(Clone, Debug)]
pub struct Cleaner {
    table: [u8; 256],
}

impl Cleaner {
    /// What is outside 32..=126, and each of `chars`, becomes `replacement`.
    pub fn new(replacement: u8, chars: &[u8]) -> Self {
        let mut table = [replacement; 256];
        for byte in 32..=126 {
            table[usize::from(byte)] = byte;
        }
        for &byte in chars {
            table[usize::from(byte)] = replacement;
        }
        // A line's end is not part of it.
        table[usize::from(b'\n')] = b'\n';
        Self { table }
    }

    /// Cleans lines in place.
    pub fn clean(&self, lines: &mut [u8]) {
        for byte in lines {
            *byte = self.table[usize::from(*byte)];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_byte_is_kept_or_replaced() {
        let cleaner = Cleaner::new(b'?', b"x~\n");
        for byte in 0..=255_u8 {
            let mut line = [byte];
            cleaner.clean(&mut line);
            let keep = byte == b'\n' || (32..=126).contains(&byte) && !b"x~".contains(&byte);
            assert_eq!(line[0], if keep { byte } else { b'?' }, "{byte}");
        }
    }
}

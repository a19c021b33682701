//! Where the last lines of a file begin, read backwards.

/// How much is read at once.
const BLOCK: usize = 16 * 1024;

/// Where in a file of `size` bytes the last `wanted` lines begin, and how many
/// there are, which is less where the file has less. What follows the last
/// newline is a line too. `read` reads from an offset, all that it can.
pub fn begin<E>(
    size: u64,
    wanted: u64,
    mut read: impl FnMut(u64, &mut [u8]) -> Result<usize, E>,
) -> Result<(u64, u64), E> {
    if wanted == 0 || size == 0 {
        return Ok((size, 0));
    }
    let mut buffer = [0; BLOCK];
    let mut end = size;
    let mut newlines = 0;
    // The last byte ends a line or is the end of one.
    let mut last_seen = false;
    while end > 0 {
        let length = BLOCK.min(usize::try_from(end).unwrap_or(BLOCK));
        let start = end - length as u64;
        let Some(block) = buffer.get_mut(..length) else { break };
        // A file that has become shorter has nothing there.
        let length = read(start, block)?;
        let block = block.get(..length).unwrap_or_default();
        for (at, byte) in block.iter().enumerate().rev() {
            if *byte == b'\n' && last_seen {
                newlines += 1;
                if newlines == wanted {
                    return Ok((start + at as u64 + 1, wanted));
                }
            }
            last_seen = true;
        }
        end = start;
    }
    Ok((0, if last_seen { newlines + 1 } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec::Vec;

    fn of(text: &[u8], wanted: u64) -> (u64, u64) {
        let read = |from: u64, room: &mut [u8]| {
            let rest = &text[usize::try_from(from).unwrap()..];
            let length = room.len().min(rest.len());
            room[..length].copy_from_slice(&rest[..length]);
            Ok::<_, ()>(length)
        };
        begin(text.len() as u64, wanted, read).unwrap()
    }

    #[test]
    fn the_last_lines() {
        for (text, wanted, expected) in [
            (&b"a\nb\nc\n"[..], 1, (4, 1)),
            (b"a\nb\nc\n", 2, (2, 2)),
            (b"a\nb\nc\n", 3, (0, 3)),
            (b"a\nb\nc\n", 9, (0, 3)),
            (b"a\nb\nc", 1, (4, 1)),
            (b"a\nb\nc", 3, (0, 3)),
            (b"\n\n\n", 2, (1, 2)),
            (b"\n", 5, (0, 1)),
            (b"a", 5, (0, 1)),
            (b"", 5, (0, 0)),
            (b"a\n", 0, (2, 0)),
        ] {
            assert_eq!(of(text, wanted), expected, "{text:?} {wanted}");
        }
    }

    #[test]
    fn across_blocks_as_within() {
        let mut text = Vec::new();
        for length in 0..400_usize {
            text.extend(std::iter::repeat_n(b'x', length));
            text.push(b'\n');
        }
        for wanted in 1..=400 {
            let begin = (0..400 - wanted).map(|length| length + 1).sum();
            assert_eq!(of(&text, wanted), (begin, wanted));
        }
        let long = std::vec![b'x'; 5 * BLOCK];
        assert_eq!(of(&long, 3), (0, 1));
    }
}

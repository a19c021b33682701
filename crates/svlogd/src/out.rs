//! Text that is put together before it is written.

use runit_rt::bytes;
use runit_rt::pages::Pages;
use rustix::io::Errno;

/// Room for lines on their way to a file.
pub struct Out {
    pages: Pages,
    /// What waits is `pages[from..to]`.
    from: usize,
    to: usize,
}

impl Out {
    /// An empty one with room for `size` bytes.
    pub fn new(size: usize) -> Result<Self, Errno> {
        Ok(Self { pages: Pages::new(size)?, from: 0, to: 0 })
    }

    /// What waits.
    #[inline]
    pub fn waiting(&self) -> &[u8] {
        self.pages.get(self.from..self.to).unwrap_or_default()
    }

    /// Whether nothing waits.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.from == self.to
    }

    /// How many bytes there is room for.
    #[inline]
    pub fn room(&self) -> usize {
        self.pages.len() - self.to
    }

    /// How many bytes have been put in since it was empty.
    #[inline]
    pub fn end(&self) -> usize {
        self.to
    }

    /// Appends `text`, for which there must be room: what exceeds it is lost.
    #[inline]
    pub fn put(&mut self, text: &[u8]) {
        if let Some(room) = self.pages.get_mut(self.to..) {
            let count = text.len().min(room.len());
            bytes::copy_short(room, text);
            self.to += count;
        }
    }

    /// The first `count` bytes that waited have been written.
    pub fn take(&mut self, count: usize) {
        self.from = self.from.saturating_add(count).min(self.to);
        if self.is_empty() {
            self.from = 0;
            self.to = 0;
        }
    }

    /// Gives memory back to the kernel, if nothing waits in it.
    pub fn shrink(&mut self) {
        if self.is_empty() {
            self.pages.forget();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_in_is_taken_out_in_order() {
        let mut out = Out::new(8).unwrap();
        out.put(b"abc");
        out.put(b"");
        out.put(b"de");
        assert_eq!((out.waiting(), out.room(), out.end()), (&b"abcde"[..], 3, 5));
        out.take(2);
        assert_eq!((out.waiting(), out.room()), (&b"cde"[..], 3));
        out.shrink();
        out.take(3);
        assert!(out.is_empty() && out.room() == 8);
        out.shrink();
        out.put(b"123456789");
        assert_eq!(out.waiting(), b"12345678");
    }
}

//! An edit as splices of the original bytes: what is not replaced stays as it is, whatever its encoding or line ends.
use memchr::memmem;

/// Bytes of the original that something else takes the place of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Splice {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) with: Vec<u8>,
}

/// Where a text stands in the original, line ends of either kind taken for the same.
///
/// The original is searched without the CR of its CR LFs, and `dropped` has the places of the LFs that had one.
pub(super) struct Searched<'a> {
    original: &'a [u8],
    text: Vec<u8>,
    dropped: Vec<usize>,
}

impl<'a> Searched<'a> {
    pub(super) fn new(original: &'a [u8]) -> Self {
        let (mut text, mut dropped) = (Vec::with_capacity(original.len()), Vec::new());
        let mut from = 0;
        for at in memmem::find_iter(original, b"\r\n") {
            text.extend_from_slice(&original[from..at]);
            dropped.push(text.len());
            from = at + 1;
        }
        text.extend_from_slice(&original[from..]);
        Searched { original, text, dropped }
    }

    /// Where `old` begins, at places that do not overlap.
    pub(super) fn find(&self, old: &str) -> Vec<usize> {
        memmem::find_iter(&self.text, old.as_bytes()).collect()
    }

    /// The number of the line that a found place lies in.
    pub(super) fn line_of(&self, at: usize) -> usize {
        1 + memchr::memchr_iter(b'\n', &self.text[..at]).count()
    }

    /// The splice that makes `new` of `old` at a found place: only of what differs, with the line ends that stand there.
    pub(super) fn splice(&self, at: usize, old: &str, new: &str) -> Splice {
        let (old, new) = (old.as_bytes(), new.as_bytes());
        let same = |(a, b): &(&u8, &u8)| a == b;
        let before = old.iter().zip(new).take_while(same).count();
        let most = old.len().min(new.len()) - before;
        let after = old.iter().rev().zip(new.iter().rev()).take(most).take_while(same).count();
        let (start, end) = (at + before, at + old.len() - after);
        let new = &new[before..new.len() - after];
        let with = if self.has_crlf_near(at, at + old.len()) { with_crlf(new) } else { new.to_vec() };
        Splice { start: self.original_of(start), end: self.original_of(end), with }
    }

    /// The original's place of a place in the searched text; at a line end, before its CR.
    fn original_of(&self, at: usize) -> usize {
        at + self.dropped.partition_point(|lf| *lf < at)
    }

    /// Do lines end with CR LF here: the first that ends in the range, else the next one, else the one before?
    fn has_crlf_near(&self, start: usize, end: usize) -> bool {
        let next = memchr::memchr(b'\n', &self.text[start..]).map(|at| start + at);
        let line_end = next.or_else(|| memchr::memrchr(b'\n', &self.text[..end]));
        line_end.is_some_and(|lf| self.dropped.binary_search(&lf).is_ok())
    }

    /// The original with these splices, which are in order and do not overlap.
    pub(super) fn apply(&self, splices: &[Splice]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.original.len());
        let mut from = 0;
        for splice in splices {
            out.extend_from_slice(&self.original[from..splice.start]);
            out.extend_from_slice(&splice.with);
            from = splice.end;
        }
        out.extend_from_slice(&self.original[from..]);
        out
    }
}

fn with_crlf(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 16);
    for byte in text {
        if *byte == b'\n' {
            out.push(b'\r');
        }
        out.push(*byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edited(original: &[u8], old: &str, new: &str) -> Vec<u8> {
        let searched = Searched::new(original);
        let splices: Vec<Splice> =
            searched.find(old).into_iter().map(|at| searched.splice(at, old, new)).collect();
        searched.apply(&splices)
    }

    #[test]
    fn line_ends_of_either_kind_match_and_new_lines_end_as_those_beside_them() {
        assert_eq!(edited(b"a\r\nb\r\nc\r\n", "a\nb", "A\nB"), b"A\r\nB\r\nc\r\n");
        assert_eq!(edited(b"a\nb\nc\n", "a\nb", "A\nB"), b"A\nB\nc\n");
        assert_eq!(edited(b"a\r\nb\r\n", "b", "b\nc"), b"a\r\nb\r\nc\r\n");
        assert_eq!(edited(b"a\r\nb", "b", "b\nc"), b"a\r\nb\r\nc");
        assert_eq!(edited(b"a\r\nb\r\n", "\nb", "\nB"), b"a\r\nB\r\n");
        assert_eq!(edited(b"a\r\nb\r\n", "a\nb\n", ""), b"");
        assert_eq!(edited(b"a\r\nb\r\n", "a\n", ""), b"b\r\n");
        assert_eq!(edited(b"a\r\nb\r\n", "\n", ""), b"ab");
    }

    #[test]
    fn lines_in_between_keep_their_own_ends() {
        let mixed = b"one\nword two\r\nthree\nprog 10%\rprog 20%\n";
        assert_eq!(edited(mixed, "word", "WORD"), b"one\nWORD two\r\nthree\nprog 10%\rprog 20%\n");
        assert_eq!(
            edited(mixed, "one\nword two\nthree", "one\nWORD two\nthree"),
            b"one\nWORD two\r\nthree\nprog 10%\rprog 20%\n"
        );
    }

    #[test]
    fn other_bytes_stay() {
        assert_eq!(edited(b"x = 1;\n// caf\xe9\n", "x = 1", "x = 2"), b"x = 2;\n// caf\xe9\n");
        assert_eq!(edited(b"a\0\xffb", "b", "c"), b"a\0\xffc");
    }
}

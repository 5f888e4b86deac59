//! What a command wrote: the head and a rolling tail, in as much memory as those take.

/// Bytes that are kept of the head, and of the tail.
const HEAD: usize = 16 * 1024;
const TAIL: usize = 32 * 1024;
/// Bytes that are taken at once.
const PIECE: usize = 64 * 1024;

/// Output as it comes.
pub(super) struct Output {
    piece: Box<[u8]>,
    head: Vec<u8>,
    /// A ring: the oldest byte lies at `next` once it is full.
    tail: Vec<u8>,
    next: usize,
    total: u64,
}

impl Default for Output {
    fn default() -> Self {
        Output { piece: vec![0; PIECE].into(), head: Vec::new(), tail: Vec::new(), next: 0, total: 0 }
    }
}

impl Output {
    /// Where the next piece goes.
    pub(super) fn room(&mut self) -> &mut [u8] {
        &mut self.piece
    }

    /// So many bytes went there.
    pub(super) fn took(&mut self, length: usize) {
        let Output { piece, head, tail, next, total } = self;
        let piece = &piece[..length];
        *total += length as u64;
        let (first, rest) = piece.split_at(piece.len().min(HEAD - head.len()));
        head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(TAIL)..];
        let (grows, turns) = rest.split_at(rest.len().min(TAIL - tail.len()));
        tail.extend_from_slice(grows);
        let (to_end, from_start) = turns.split_at(turns.len().min(TAIL - *next));
        tail[*next..*next + to_end.len()].copy_from_slice(to_end);
        tail[..from_start.len()].copy_from_slice(from_start);
        if !turns.is_empty() {
            *next = (*next + turns.len()) % TAIL;
        }
    }

    /// The text, with a note where bytes were dropped. Cuts lie at line ends where there are any, and never in a character.
    pub(super) fn text(&self) -> String {
        let (newer, older) = self.tail.split_at(self.next);
        let dropped = self.total - (self.head.len() + self.tail.len()) as u64;
        if dropped == 0 {
            let whole = [&self.head, older, newer].concat();
            return String::from_utf8_lossy(&whole).into_owned();
        }
        let tail = [older, newer].concat();
        let head_end =
            memchr::memrchr(b'\n', &self.head).map_or_else(|| start_of_last(&self.head), |at| at + 1);
        let (head, head_cut) = self.head.split_at(head_end);
        let tail_start =
            memchr::memchr(b'\n', &tail[..tail.len() - 1]).map_or_else(|| start_of_first(&tail), |at| at + 1);
        let (tail_cut, tail) = tail.split_at(tail_start);
        let dropped = dropped + (head_cut.len() + tail_cut.len()) as u64;
        let line_end = if head.ends_with(b"\n") { "" } else { "\n" };
        format!(
            "{}{line_end}[{dropped} bytes are left out here, of {}; write the output to a file to see all of it]\n{}",
            String::from_utf8_lossy(head),
            self.total,
            String::from_utf8_lossy(tail)
        )
    }

    /// Does it say that something was not permitted?
    pub(super) fn holds_denial(&self) -> bool {
        let denial = memchr::memmem::Finder::new("Permission denied");
        denial.find(&self.head).is_some() || denial.find(&self.tail).is_some()
    }
}

fn is_inside(byte: u8) -> bool {
    byte & 0xc0 == 0x80
}

/// Where the last character begins: it may go on beyond the end.
fn start_of_last(bytes: &[u8]) -> usize {
    let from = bytes.len().saturating_sub(4);
    bytes[from..].iter().rposition(|byte| !is_inside(*byte)).map_or(bytes.len(), |at| from + at)
}

/// Where the first whole character begins.
fn start_of_first(bytes: &[u8]) -> usize {
    bytes.iter().take(4).position(|byte| !is_inside(*byte)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pieces: &[&[u8]]) -> Output {
        let mut output = Output::default();
        for bytes in pieces.iter().flat_map(|piece| piece.chunks(PIECE)) {
            output.room()[..bytes.len()].copy_from_slice(bytes);
            output.took(bytes.len());
        }
        output
    }

    #[test]
    fn short_output_is_kept_as_it_is() {
        assert_eq!(of(&[]).text(), "");
        assert_eq!(of(&[b"a\n", b"b\xff"]).text(), "a\nb\u{fffd}");
        let whole = "line\n".repeat((HEAD + TAIL) / 5);
        assert_eq!(of(&[whole.as_bytes()]).text(), whole);
    }

    #[test]
    fn long_output_keeps_head_and_tail_whatever_the_pieces() {
        let lines: String = (0..100_000).map(|n| format!("line {n}\n")).collect();
        let whole = of(&[lines.as_bytes()]).text();
        for size in [1, 7, 4096, 33_333] {
            let pieces: Vec<&[u8]> = lines.as_bytes().chunks(size).collect();
            assert_eq!(of(&pieces).text(), whole, "pieces of {size}");
        }
        let (head, tail) = whole.split_once("bytes are left out here").unwrap();
        let dropped: usize = head.rsplit('[').next().unwrap().trim().parse().unwrap();
        let head = &head[..head.rfind('[').unwrap()];
        let tail = tail.split_once('\n').unwrap().1;
        assert!(lines.starts_with(head) && lines.ends_with(tail));
        assert_eq!(head.len() + dropped + tail.len(), lines.len());
        assert!(head.len() > HEAD - 20 && tail.len() > TAIL - 20);
    }

    #[test]
    fn a_line_without_end_is_cut_between_characters() {
        let text = of(&["長".repeat(100_000).as_bytes()]).text();
        assert!(!text.contains('\u{fffd}'), "{text}");
        assert!(text.contains(" of 300000; "), "{text}");
    }
}

//! Text to fill sessions with: a few words are everywhere, most are rare, as in what people write.

/// Different words that texts are made of.
const WORDS: u64 = 20_000;

/// Texts that are the same on every run, and no two alike.
pub(crate) struct Words(u64);

impl Words {
    pub(crate) fn new() -> Self {
        Words(0x9e37_79b9_7f4a_7c15)
    }

    /// A text of so many words, in sentences.
    pub(crate) fn text(&mut self, words: usize) -> String {
        let mut text = String::new();
        for n in 0..words {
            let word = word(self.next_rank());
            text.push_str(&word);
            text.push_str(if n % 12 == 11 { ". " } else { " " });
        }
        text.trim_end().to_owned()
    }

    /// What a person asks: short.
    pub(crate) fn question(&mut self) -> String {
        self.text(20)
    }

    /// What an assistant says: longer.
    pub(crate) fn answer(&mut self) -> String {
        self.text(70)
    }

    /// A word's place in the order of how common they are: the n-th word is about n times rarer than the first.
    fn next_rank(&mut self) -> u64 {
        let share = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        (WORDS as f64).powf(share) as u64
    }

    /// xorshift64*.
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// The word of this rank; 1 is the most common.
pub(crate) fn word(rank: u64) -> String {
    const ONSETS: [&str; 12] = ["b", "d", "f", "g", "k", "l", "m", "n", "p", "r", "t", "v"];
    const VOWELS: [&str; 5] = ["a", "e", "i", "o", "u"];
    let mut rest = rank;
    let mut word = String::new();
    loop {
        word.push_str(ONSETS[(rest % 12) as usize]);
        word.push_str(VOWELS[(rest / 12 % 5) as usize]);
        rest /= 60;
        if rest == 0 {
            return word;
        }
    }
}

//! Classes of characters that decide what a term is. They hold for text in NFKC.
use unicode_normalization::char::is_combining_mark;

/// Scripts written without spaces between words: Han, Hiragana, Katakana, Thai, Lao, Khmer, Myanmar. Ascending.
const WITHOUT_SPACES: [(char, char); 18] = [
    ('\u{0E01}', '\u{0EDF}'),
    ('\u{1000}', '\u{109D}'),
    ('\u{1780}', '\u{17F9}'),
    ('\u{3005}', '\u{3005}'),
    ('\u{3007}', '\u{3029}'),
    ('\u{303B}', '\u{303B}'),
    ('\u{3041}', '\u{3096}'),
    ('\u{309D}', '\u{30FE}'),
    ('\u{31F0}', '\u{31FF}'),
    ('\u{3400}', '\u{9FFF}'),
    ('\u{A9E0}', '\u{A9FE}'),
    ('\u{AA60}', '\u{AA7F}'),
    ('\u{F900}', '\u{FAD9}'),
    ('\u{116D0}', '\u{116E3}'),
    ('\u{16FE2}', '\u{16FE3}'),
    ('\u{16FF0}', '\u{16FF6}'),
    ('\u{1AFF0}', '\u{1B168}'),
    ('\u{20000}', '\u{33479}'),
];

/// Stands in a word: a letter, digit, mark or underscore.
pub(super) fn in_word(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '_';
    }
    is_letter(c) || c.is_numeric() || is_combining_mark(c)
}

/// A letter or a mark that is one. Letters in circles and squares are symbols, whatever `is_alphabetic` says.
fn is_letter(c: char) -> bool {
    let enclosed = matches!(c, '\u{24B6}'..='\u{24E9}' | '\u{1F130}'..='\u{1F189}');
    c.is_alphabetic() && !enclosed
}

/// Belongs to a script that puts no spaces between words.
pub(super) fn without_spaces(c: char) -> bool {
    if c < WITHOUT_SPACES[0].0 {
        return false;
    }
    let after = WITHOUT_SPACES.partition_point(|(first, _)| *first <= c);
    after > 0 && c <= WITHOUT_SPACES[after - 1].1
}

/// A small letter proper, without the modifier letters and the mark that count as lower case.
pub(super) fn is_small(c: char) -> bool {
    let modifier = matches!(c, '\u{02B0}'..='\u{02FF}' | '\u{0345}' | '\u{1D2C}'..='\u{1D6A}');
    c.is_lowercase() && !modifier
}

/// A diacritic of Latin, Greek and Cyrillic, as NFD sets it apart. Vowel signs of other scripts are none.
pub(super) fn is_accent(c: char) -> bool {
    matches!(c, '\u{0300}'..='\u{036F}')
}

//! Where a text that was not found nearly stands: the same words with other white space.

/// Lines of a file that are looked at, and shown.
const MOST_LINES: usize = 200_000;
const SHOWN: usize = 20;

/// The first place whose lines hold the same words, with what differs made visible; none where there is none.
pub(super) fn nearly(text: &str, wanted: &str) -> Option<String> {
    let wanted: Vec<String> = wanted.trim_matches('\n').split('\n').map(collapsed).collect();
    if wanted.iter().all(String::is_empty) {
        return None;
    }
    let lines: Vec<&str> = text.split('\n').take(MOST_LINES).collect();
    let folded: Vec<String> = lines.iter().map(|line| collapsed(line)).collect();
    let last = wanted.len() - 1;
    let fits = |(n, (here, wanted)): (usize, (&String, &String))| match n {
        // The first and the last line may be only a part of theirs.
        0 if last == 0 => here.contains(wanted.as_str()),
        0 => here.ends_with(wanted.as_str()),
        n if n == last => here.starts_with(wanted.as_str()),
        _ => here == wanted,
    };
    let at =
        folded.windows(wanted.len()).position(|window| window.iter().zip(&wanted).enumerate().all(fits))?;
    let there = &lines[at..at + wanted.len()];
    let shown: Vec<String> = there.iter().take(SHOWN).map(|line| visible(line)).collect();
    let more = if there.len() > SHOWN { "\n…" } else { "" };
    let tabs = if there.iter().any(|line| line.contains('\t')) { " (→ is a tab)" } else { "" };
    Some(format!(
        "nearly found at line {}, where the white space differs{tabs}:\n{}{more}",
        at + 1,
        shown.join("\n")
    ))
}

fn collapsed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn visible(line: &str) -> String {
    let cut: String = line.trim_end_matches('\r').chars().take(200).collect();
    cut.replace('\t', "→")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_words_with_other_white_space_are_pointed_at() {
        let right = "nearly found at line 2, where the white space differs (→ is a tab):\n→echo ho";
        assert_eq!(nearly("all:\n\techo ho\n", "    echo ho").as_deref(), Some(right));
        let right = "nearly found at line 1, where the white space differs:\nif x  {\n  y";
        assert_eq!(nearly("if x  {\n  y\n}", "if x {\n    y\n").as_deref(), Some(right));
        assert_eq!(nearly("a\nb", "c"), None);
        assert_eq!(nearly("a\nb", "  \n"), None);
    }
}

//! Commands that run text which no rule for a command could see: a program in a string of their own language, or on their
//! input.
use super::wrappers;

/// Shells: without a script they run what they read.
const SHELLS: [&str; 14] = [
    "ash", "bash", "csh", "dash", "elvish", "fish", "ksh", "mksh", "nu", "pwsh", "rbash", "sh", "tcsh", "zsh",
];
/// Options of a shell that take the word behind them.
const WITH_VALUE: [&str; 5] = ["-o", "+o", "-O", "+O", "--rcfile"];

/// Languages, and the short and the long options that take a program as text. Without a script they run what they read.
const LANGUAGES: [(&str, &str, &[&str]); 16] = [
    ("python", "c", &[]),
    ("pypy", "c", &[]),
    ("perl", "eE", &[]),
    ("ruby", "e", &[]),
    ("node", "ep", &["--eval", "--print"]),
    ("nodejs", "ep", &["--eval", "--print"]),
    ("bun", "ep", &["--eval", "--print"]),
    ("deno", "", &["eval"]),
    ("php", "rBER", &["--run"]),
    ("lua", "e", &[]),
    ("luajit", "e", &[]),
    ("julia", "eE", &["--eval", "--print"]),
    ("Rscript", "e", &[]),
    ("R", "e", &[]),
    ("ghc", "e", &[]),
    ("osascript", "e", &[]),
];

/// Programs whose own commands, from words or from their input, run others.
const ALWAYS: [&str; 26] = [
    "at", "batch", "crontab", "ed", "emacs", "ex", "expect", "gdb", "gvim", "irb", "lldb", "m4", "nano",
    "nvim", "parallel", "rvim", "screen", "socat", "tclsh", "tmux", "vi", "view", "vim", "vimdiff", "wish",
    "xonsh",
];

/// Other options that take a command or a file of commands: short ones may have their value glued to them.
const OPTIONS: [(&str, &[&str]); 14] = [
    ("less", &["+", "-k", "--lesskey-src", "--lesskey-content"]),
    ("more", &["+"]),
    ("man", &["-P", "--pager", "-H", "--html", "-C"]),
    ("make", &["-f-", "--file=-", "--makefile=-", "-E", "--eval", "SHELL=", ".SHELLFLAGS="]),
    ("gmake", &["-f-", "--file=-", "--makefile=-", "-E", "--eval", "SHELL=", ".SHELLFLAGS="]),
    ("zip", &["-TT", "--unzip-command"]),
    ("scp", &["-S", "-o"]),
    ("sftp", &["-S", "-D", "-o"]),
    ("cpio", &["--rsh-command"]),
    ("wget", &["--use-askpass"]),
    ("nc", &["-e", "-c"]),
    ("ncat", &["-e", "-c", "--exec", "--sh-exec"]),
    ("gcc", &["-wrapper"]),
    ("g++", &["-wrapper"]),
];

/// Why a command runs text that is not looked into; none where its words are all that it runs.
pub(super) fn evaluates(words: &[String]) -> Option<String> {
    let starts = if wrappers::launches(words) { words.len() } else { 1 };
    (0..starts.min(words.len())).find_map(|start| by_itself(&words[start..]))
}

fn by_itself(words: &[String]) -> Option<String> {
    let (name, arguments) = words.split_first()?;
    let name = wrappers::program(name);
    let bare = name.trim_end_matches(|c: char| c.is_ascii_digit() || ".-".contains(c));
    let says = |what: &str| Some(format!("{name}, which runs {what}"));
    if SHELLS.contains(&name) {
        return if shell_reads(arguments) { says("what it reads") } else { None };
    }
    if let Some((_, short, long)) = LANGUAGES.iter().find(|(language, ..)| *language == bare) {
        return if has_program(arguments, short, long) {
            says("a program in a word or on its input")
        } else {
            None
        };
    }
    if ALWAYS.contains(&name) {
        return says("commands of its own language");
    }
    if ["awk", "gawk", "mawk", "nawk", "original-awk"].contains(&name) {
        return if arguments.iter().any(|word| awk_runs(word)) {
            says("a command in its program")
        } else {
            None
        };
    }
    if ["sed", "gsed"].contains(&name) {
        return if arguments.iter().any(|word| sed_runs(word)) {
            says("a command in its script")
        } else {
            None
        };
    }
    if ["sqlite3", "psql", "mysql", "mariadb"].contains(&name) {
        let runs = |word: &String| {
            [".shell", ".system", "\\!", "program"].iter().any(|mark| word.to_lowercase().contains(mark))
        };
        return if arguments.iter().any(runs) { says("a command in a statement") } else { None };
    }
    let (_, options) = OPTIONS.iter().find(|(of, _)| *of == name)?;
    let reads_file =
        |pair: &[String]| ["-f", "--file", "--makefile"].contains(&pair[0].as_str()) && is_input(&pair[1]);
    let makes = matches!(name, "make" | "gmake") && arguments.windows(2).any(reads_file);
    let has = arguments.iter().any(|word| options.iter().any(|option| word.starts_with(option)));
    if makes || has { says("what an option of it says") } else { None }
}

/// Whether a shell runs its input: it is told to, or has neither a script nor a line.
fn shell_reads(arguments: &[String]) -> bool {
    let mut words = arguments.iter().map(String::as_str);
    while let Some(word) = words.next() {
        match word {
            "--help" | "--version" => return false,
            word if is_input(word) => return true,
            word if WITH_VALUE.contains(&word) => drop(words.next()),
            word if word.starts_with("--") || word.starts_with('+') => {}
            word if word.starts_with('-') => {
                if word.contains('c') {
                    return false;
                }
                if word.contains('s') {
                    return true;
                }
            }
            _ => return false,
        }
    }
    true
}

fn has_program(arguments: &[String], short: &str, long: &[&str]) -> bool {
    let is_long = |word: &str| long.iter().any(|long| word == *long || word.starts_with(&format!("{long}=")));
    for word in arguments.iter().map(String::as_str) {
        if is_long(word) || is_input(word) {
            return true;
        }
        if ["--version", "-V", "-v", "--help", "-h"].contains(&word) {
            return false;
        }
        match word.strip_prefix('-') {
            // In a bundle of letters the last may take the rest of the word.
            Some(letters) if !letters.starts_with('-') => {
                if letters.starts_with('m') && short == "c" {
                    return false;
                }
                if letters.chars().any(|letter| short.contains(letter)) {
                    return true;
                }
            }
            Some(_) => {}
            None => return false,
        }
    }
    true
}

/// Names of a program's own input.
fn is_input(word: &str) -> bool {
    matches!(word, "-" | "/dev/stdin") || word.starts_with("/dev/fd/") || word.starts_with("/proc/self/fd/")
}

fn awk_runs(word: &str) -> bool {
    word.contains("system") || word.replace("||", "").contains('|')
}

/// Whether a script of `sed` may run a command: by `e`, or by the flag of that name behind a replacement.
fn sed_runs(word: &str) -> bool {
    word.split([';', '\n', '}', '{']).any(|command| {
        let command = command.trim();
        let after_address = command.trim_start_matches(|c: char| c.is_ascii_digit() || "$,!~ +".contains(c));
        let by_itself =
            after_address.strip_prefix('e').is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
        let flags = command.rsplit(|c: char| c.is_ascii_punctuation()).next().unwrap_or_default();
        let is_flags = flags.chars().all(|c| "egpiImM0123456789w".contains(c));
        let behind_pattern = command.strip_prefix('/').and_then(|rest| rest.rsplit('/').next());
        let addressed =
            behind_pattern.is_some_and(|rest| rest.trim() == "e" || rest.trim().starts_with("e "));
        by_itself || addressed || command.contains('s') && is_flags && flags.contains('e')
    })
}

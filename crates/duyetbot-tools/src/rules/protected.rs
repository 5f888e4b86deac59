//! Files that give rights or run by themselves: writing one asks even under a wide rule.
use unicode_normalization::UnicodeNormalization;

/// Why a path is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protected {
    /// The agent's own config and rules. No rule grants it.
    Own,
    /// It runs by itself, or steers what does; the text says what it is. Only a rule with exactly its name grants it.
    Runs(&'static str),
}

const VERSION_CONTROL: [&str; 6] = [".git", "git~1", ".hg", ".svn", ".jj", ".husky"];
const VERSION_CONTROL_FILES: [&str; 3] = [".gitconfig", ".gitmodules", ".hgrc"];
const EDITORS: [&str; 9] =
    [".vscode", ".idea", ".zed", ".fleet", ".cursor", ".devcontainer", ".vs", ".nova", ".claude"];
const EDITOR_FILES: [&str; 12] = [
    ".mcp.json",
    ".vimrc",
    ".gvimrc",
    ".exrc",
    ".nvimrc",
    ".nvim.lua",
    ".emacs",
    ".dir-locals.el",
    ".gdbinit",
    ".lldbinit",
    ".devcontainer.json",
    ".ideavimrc",
];
const SHELLS: [&str; 22] = [
    ".bashrc",
    ".bash_profile",
    ".bash_login",
    ".bash_logout",
    ".bash_aliases",
    ".profile",
    ".zshrc",
    ".zshenv",
    ".zprofile",
    ".zlogin",
    ".zlogout",
    ".kshrc",
    ".mkshrc",
    ".cshrc",
    ".tcshrc",
    ".login",
    ".logout",
    ".inputrc",
    ".xprofile",
    ".xinitrc",
    ".xsession",
    ".pam_environment",
];
const TOOLS: [&str; 8] = [
    ".envrc",
    ".mise.toml",
    "mise.toml",
    ".tool-versions",
    ".npmrc",
    ".yarnrc",
    ".yarnrc.yml",
    ".pnpmfile.cjs",
];
const INSTRUCTIONS: [&str; 2] = ["agents.md", "claude.md"];
/// Folders whose files run, by the two names that lead there.
const PAIRS: [(&str, &str); 5] = [
    (".config", "fish"),
    (".config", "git"),
    (".config", "autostart"),
    (".config", "systemd"),
    (".cargo", "config"),
];

/// Why a path, relative to anything, is protected; none for an ordinary file.
pub(crate) fn protected(path: &str) -> Option<Protected> {
    let names: Vec<String> = path.split('/').map(folded).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).filter(|name| !name.is_empty()).collect();
    if names.contains(&".duyetbot") {
        return Some(Protected::Own);
    }
    let any_of = |of: &[&str]| names.iter().any(|name| of.contains(name));
    let last = names.last().copied().unwrap_or_default();
    let what = if any_of(&VERSION_CONTROL) || VERSION_CONTROL_FILES.contains(&last) {
        "version control's own files, where hooks run"
    } else if any_of(&[".ssh"]) {
        "keys and addresses of ssh"
    } else if any_of(&EDITORS) || EDITOR_FILES.contains(&last) || last.ends_with(".code-workspace") {
        "settings that let an editor run programs"
    } else if SHELLS.contains(&last) {
        "a start-up file of a shell"
    } else if TOOLS.contains(&last) || names.windows(2).any(in_pairs) {
        "settings that run by themselves"
    } else if INSTRUCTIONS.contains(&last) {
        "instructions that every later session reads"
    } else {
        return None;
    };
    Some(Protected::Runs(what))
}

/// Letters of short options before a path that is glued to them.
const MOST_LETTERS: usize = 8;
/// Bytes of the name of a folder that is looked for within a word.
const LONGEST_NAME: usize = 64;

/// The paths that a command's word may hold: itself, what stands between marks that a program may cut it at, what is glued
/// to a short option's letters, and what begins with a protected folder anywhere.
pub(crate) fn paths_in(word: &str) -> impl Iterator<Item = &str> {
    let marks = |c: char| c.is_whitespace() || "=:,;'\"`()<>|{}[]".contains(c);
    let folders = word.char_indices().filter(|(_, c)| *c == '.').map(|(at, _)| &word[at..]);
    std::iter::once(word)
        .chain(word.split(marks).flat_map(|part| std::iter::once(part).chain(glued(part))))
        .chain(folders.filter(|rest| begins_with_a_folder(rest)))
}

/// What is left of a word behind the letters of short options, one at a time.
fn glued(part: &str) -> impl Iterator<Item = &str> {
    let short = part.strip_prefix('-').unwrap_or_default();
    let letters = short.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (1..=letters.min(MOST_LETTERS)).map(move |n| &short[n..])
}

fn begins_with_a_folder(path: &str) -> bool {
    let Some(end) = path.bytes().take(LONGEST_NAME).position(|byte| byte == b'/') else { return false };
    let name = folded(&path[..end]);
    [".duyetbot", ".ssh"].iter().chain(&VERSION_CONTROL).chain(&EDITORS).any(|folder| *folder == name)
}

fn in_pairs(names: &[&str]) -> bool {
    PAIRS.iter().any(|(first, second)| {
        names[0] == *first && (names[1] == *second || names[1].strip_suffix(".toml") == Some(*second))
    })
}

/// A name as the most forgiving file system takes it: without case, lookalikes by compatibility, characters without a
/// shape, dots and spaces at the end, and a stream's name behind a colon.
fn folded(name: &str) -> String {
    let shapeless = |c: &char| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let folded: String = name.nfkc().filter(|c| !shapeless(c)).flat_map(char::to_lowercase).collect();
    let name = folded.split(':').next().unwrap_or_default();
    name.trim_end_matches(['.', ' ']).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_gives_rights_or_runs_by_itself_is_protected_in_every_spelling() {
        for path in [".duyetbot/config.toml", ".duyetbot", "sub/.Duyetbot/x", ".duyetbot./config.toml"] {
            assert_eq!(protected(path), Some(Protected::Own), "{path}");
        }
        for path in [
            ".git/hooks/pre-commit",
            ".git/config",
            ".GIT/hooks/x",
            ".git",
            "a/.git/config",
            ".git./config",
            ".git /config",
            ".g\u{200c}it/config",
            "GIT~1/config",
            ".git::$INDEX_ALLOCATION/config",
            ".ｇit/config",
            ".vscode/tasks.json",
            ".VSCode/settings.json",
            ".idea/workspace.xml",
            "x.code-workspace",
            ".bashrc",
            ".ZSHENV",
            ".envrc",
            "sub/.envrc",
            "AGENTS.md",
            "docs/agents.MD",
            "CLAUDE.md",
            ".config/fish/config.fish",
            ".cargo/config.toml",
            ".husky/pre-push",
            ".ssh/config",
            ".gitmodules",
        ] {
            assert!(matches!(protected(path), Some(Protected::Runs(_))), "{path}");
        }
    }

    #[test]
    fn ordinary_files_are_not_protected() {
        let ordinary = [
            "src/lib.rs",
            "Makefile",
            ".gitignore",
            ".gitattributes",
            ".github/workflows/ci.yml",
            "git/config",
            "duyetbot/config.toml",
            ".env",
            "bashrc",
            "src/agents.md.rs",
            ".",
            ".cargo/audit.toml",
            "...",
        ];
        assert_eq!(ordinary.map(protected), [None; 13]);
    }
}

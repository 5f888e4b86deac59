//! Which programs a repository's configuration makes git run: a prepared checkout must not run code by `git status`.
use std::sync::Arc;

/// What is known of the configuration of the repository in the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum GitConfig {
    /// Nobody has read it: every git command asks.
    #[default]
    NotRead,
    /// It names no program, or there is no repository.
    Plain,
    /// It names programs; these are the keys, or a hook's name. Every git command asks.
    Names(Vec<String>),
}

impl GitConfig {
    /// What the texts of a repository's configuration say: `.git/config`, and `config.worktree` where there is one.
    ///
    /// The caller adds what lies beside them: a hook that git would run is a program too (`hooks/pre-commit`).
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> GitConfig {
        let keys: Vec<String> = texts.into_iter().flat_map(names_programs).collect();
        if keys.is_empty() { GitConfig::Plain } else { GitConfig::Names(keys) }
    }
}

/// Where a policy gets what is known of git from.
#[derive(Clone)]
pub(super) enum Git {
    /// It was read before.
    Known(GitConfig),
    /// It is read for each command that it matters to.
    Read(Arc<dyn Fn() -> GitConfig + Send + Sync>),
}

impl Git {
    pub(super) fn now(&self) -> GitConfig {
        match self {
            Git::Known(config) => config.clone(),
            Git::Read(read) => read(),
        }
    }
}

/// Keys that name a program or another file of keys. `*` stands for the name of a subsection.
const KEYS: [&str; 61] = [
    "browser.*.cmd",
    "browser.*.path",
    "core.alternaterefscommand",
    "core.askpass",
    "core.editor",
    "core.gitproxy",
    "core.hookspath",
    "core.pager",
    "core.sshcommand",
    "core.worktree",
    "credential.*.helper",
    "credential.helper",
    "diff.*.command",
    "diff.*.textconv",
    "diff.external",
    "diff.guitool",
    "diff.tool",
    "difftool.*.cmd",
    "difftool.*.path",
    "extensions.worktreeconfig",
    "filter.*.clean",
    "filter.*.process",
    "filter.*.smudge",
    "gc.recentobjectshook",
    "gpg.*.defaultkeycommand",
    "gpg.*.program",
    "gpg.program",
    "guitool.*.cmd",
    "hook.*.command",
    "imap.tunnel",
    "include.path",
    "includeif.*.path",
    "init.templatedir",
    "instaweb.httpd",
    "interactive.difffilter",
    "lfs.*.path",
    "lfs.customtransfer.*.path",
    "lfs.standalonetransferagent",
    "man.*.cmd",
    "man.*.path",
    "merge.*.driver",
    "merge.tool",
    "mergetool.*.cmd",
    "mergetool.*.path",
    "pager.*",
    "protocol.*.allow",
    "protocol.allow",
    "remote.*.receivepack",
    "remote.*.uploadpack",
    "remote.*.vcs",
    "sendemail.*",
    "sendemail.*.*",
    "sequence.editor",
    "svn.authorsprog",
    "tar.*.command",
    "trailer.*.cmd",
    "trailer.*.command",
    "uploadpack.packobjectshook",
    "url.*.insteadof",
    "url.*.pushinsteadof",
    "web.browser",
];

/// The keys in the text of a git configuration that make git run a program, or read other configuration.
///
/// A line that is no git configuration is named too: git may read it otherwise.
pub fn names_programs(config: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    let mut section = String::new();
    // A backslash at a line's end carries the value on; joined, it is one line like any other.
    let joined = config.replace("\\\r\n", " ").replace("\\\n", " ");
    for (number, line) in joined.trim_start_matches('\u{feff}').lines().enumerate() {
        let mut rest = line.trim();
        if rest.starts_with('[') {
            let Some((name, after)) = section_of(rest) else {
                found.push(format!("line {}, which is no section", number + 1));
                continue;
            };
            section = name;
            rest = after.trim();
        }
        if rest.is_empty() || rest.starts_with(['#', ';']) {
            continue;
        }
        let (key, value) = rest.split_once('=').unwrap_or((rest, "true"));
        let key = key.trim();
        if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') || section.is_empty()
        {
            found.push(format!("line {}, which is no setting", number + 1));
            continue;
        }
        let key = format!("{section}.{}", key.to_ascii_lowercase());
        if names_program(&key, value.trim().trim_matches('"')) && !found.contains(&key) {
            found.push(key);
        }
    }
    found
}

/// `[core]`, `[diff "name"]`, the older `[diff.name]`; and what stands behind it on the same line.
fn section_of(line: &str) -> Option<(String, &str)> {
    let inner = line.strip_prefix('[')?;
    if let Some((name, quoted)) = inner.split_once('"').filter(|(name, _)| !name.contains(']')) {
        let mut subsection = String::new();
        let mut chars = quoted.char_indices();
        while let Some((at, c)) = chars.next() {
            match c {
                '"' => {
                    let after = quoted[at + 1..].trim_start().strip_prefix(']')?;
                    return Some((format!("{}.{subsection}", name.trim().to_ascii_lowercase()), after));
                }
                '\\' => subsection.push(chars.next()?.1),
                c => subsection.push(c),
            }
        }
        return None;
    }
    let (name, after) = inner.split_once(']')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "-.".contains(c);
    let name = name.trim();
    (!name.is_empty() && name.chars().all(is_name)).then(|| (name.to_ascii_lowercase(), after))
}

fn names_program(key: &str, value: &str) -> bool {
    let is_switch = |value: &str| {
        let value = value.to_ascii_lowercase();
        ["true", "false", "yes", "no", "on", "off", "0", "1", ""].contains(&value.as_str())
    };
    let (first, last) =
        (key.split('.').next().unwrap_or_default(), key.rsplit('.').next().unwrap_or_default());
    match (first, last) {
        ("core", "fsmonitor") => !is_switch(value),
        ("alias", _) => value.starts_with('!'),
        ("submodule", "update") => value.starts_with('!'),
        ("remote", "url" | "pushurl") => value.contains("::") || value.starts_with('-'),
        _ => KEYS.iter().any(|pattern| fits(key, pattern)),
    }
}

fn fits(key: &str, pattern: &str) -> bool {
    match pattern.split_once(".*") {
        None => key == pattern,
        Some((first, last)) => {
            let inner = key.strip_prefix(first).and_then(|rest| rest.strip_prefix('.'));
            inner.is_some_and(|inner| {
                last.is_empty() || last == ".*" || inner.ends_with(last) && inner.len() > last.len()
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fresh_repository_names_no_program() {
        let config = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\tfsmonitor = true\n\
                      [remote \"origin\"]\n\turl = https://example.org/a.git\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n\
                      [branch \"main\"]\n\tremote = origin\n\tmerge = refs/heads/main\n[user]\n\tname = A\n\
                      [alias]\n\tst = status\n[submodule \"x\"]\n\tactive = true\n# [core] pager = x\n; y\n";
        assert_eq!(names_programs(config), Vec::<String>::new());
        assert_eq!(GitConfig::read([config, ""]), GitConfig::Plain);
    }

    #[test]
    fn a_program_is_found_in_every_spelling() {
        for (config, key) in [
            ("[core]\nfsmonitor = touch P; true", "core.fsmonitor"),
            ("[CORE]\n  FsMonitor=\"touch P\"", "core.fsmonitor"),
            ("[core] pager = less", "core.pager"),
            ("[core]\nhooksPath=.husky", "core.hookspath"),
            ("[core]\nsshCommand = \\\n  touch P", "core.sshcommand"),
            ("[diff]\nexternal = x", "diff.external"),
            ("[diff \"z\"]\ntextconv = touch P3; cat", "diff.z.textconv"),
            ("[diff.z]\ntextconv = x", "diff.z.textconv"),
            ("[diff \"a]\\\"b\"] command = x", "diff.a]\"b.command"),
            ("[filter \"lfs\"]\nclean = git-lfs clean", "filter.lfs.clean"),
            ("[alias]\nst = !touch P", "alias.st"),
            ("[alias \"st\"]\ncommand = !touch P", "alias.st.command"),
            ("[include]\npath = ../x", "include.path"),
            ("[includeIf \"gitdir:~/\"]\npath = x", "includeif.gitdir:~/.path"),
            ("[credential]\nhelper = store", "credential.helper"),
            ("[credential \"https://x\"]\nhelper = !x", "credential.https://x.helper"),
            ("[gpg]\nprogram = x", "gpg.program"),
            ("[gpg \"ssh\"]\nprogram = x", "gpg.ssh.program"),
            ("[pager]\nlog = x", "pager.log"),
            ("[gc]\nrecentObjectsHook = x", "gc.recentobjectshook"),
            ("[svn]\nauthorsProg = x", "svn.authorsprog"),
            ("[remote \"o\"]\nurl = ext::sh -c x", "remote.o.url"),
            ("[core]\r\npager = x\r\n", "core.pager"),
            ("\u{feff}[core]\npager = x", "core.pager"),
            ("[core\npager = x", "line 1, which is no section"),
            ("pager = x", "line 1, which is no setting"),
        ] {
            assert_eq!(names_programs(config).first().map(String::as_str), Some(key), "{config}");
        }
    }
}

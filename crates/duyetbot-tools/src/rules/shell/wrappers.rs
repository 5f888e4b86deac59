//! Commands whose words are, or lead to, other commands: a rule that begins with their name says too little about what
//! would run, so only a rule with exactly their words grants them.

/// Programs that run the program that their arguments name, or a script.
const PROGRAMS: [&str; 94] = [
    "apptainer",
    "ash",
    "at",
    "bash",
    "batch",
    "busybox",
    "bwrap",
    "caffeinate",
    "capsh",
    "catchsegv",
    "cgexec",
    "choom",
    "chpst",
    "chronic",
    "chroot",
    "chrt",
    "crontab",
    "csh",
    "dash",
    "dbus-run-session",
    "doas",
    "dumb-init",
    "eatmydata",
    "entr",
    "env",
    "expect",
    "fakeroot",
    "faketime",
    "firejail",
    "fish",
    "flock",
    "gdb",
    "gdbserver",
    "gtimeout",
    "heaptrack",
    "i386",
    "ionice",
    "ksh",
    "linux32",
    "linux64",
    "lldb",
    "ltrace",
    "mpiexec",
    "mpirun",
    "newgrp",
    "nice",
    "nohup",
    "nsenter",
    "numactl",
    "parallel",
    "pkexec",
    "prlimit",
    "proot",
    "proxychains",
    "proxychains4",
    "rlwrap",
    "rr",
    "runcon",
    "runuser",
    "screen",
    "script",
    "sem",
    "setarch",
    "setpriv",
    "setsid",
    "sg",
    "sh",
    "softlimit",
    "srun",
    "ssh",
    "ssh-agent",
    "stdbuf",
    "strace",
    "su",
    "sudo",
    "systemd-run",
    "taskset",
    "tcsh",
    "time",
    "timeout",
    "tini",
    "tmux",
    "torsocks",
    "toybox",
    "trickle",
    "uname26",
    "unbuffer",
    "unshare",
    "valgrind",
    "watch",
    "x86_64",
    "xargs",
    "xvfb-run",
    "zsh",
];

/// Programs that run others, some only by a subcommand. A rule that begins with their words says what would run; a rule that
/// forbids has to look at every word of them.
const LAUNCHERS: [(&str, &[&str]); 36] = [
    ("npx", &[]),
    ("bunx", &[]),
    ("pnpx", &[]),
    ("uvx", &[]),
    ("pipx", &["run"]),
    ("hyperfine", &[]),
    ("nix-shell", &[]),
    ("dotenv", &[]),
    ("docker", &["run", "exec", "create", "compose"]),
    ("docker-compose", &["run", "exec"]),
    ("podman", &["run", "exec", "create", "compose", "unshare"]),
    ("nerdctl", &["run", "exec", "create", "compose"]),
    ("kubectl", &["run", "exec", "debug"]),
    ("lxc", &["exec"]),
    ("flatpak", &["run"]),
    ("distrobox", &["enter"]),
    ("toolbox", &["run"]),
    ("vagrant", &["ssh"]),
    ("ip", &["netns", "vrf"]),
    ("perf", &["stat", "record", "trace", "bench"]),
    ("uv", &["run", "tool"]),
    ("npm", &["exec", "x"]),
    ("pnpm", &["exec", "dlx"]),
    ("yarn", &["exec", "dlx", "run"]),
    ("bun", &["x", "run"]),
    ("poetry", &["run"]),
    ("pipenv", &["run"]),
    ("pdm", &["run"]),
    ("hatch", &["run"]),
    ("rye", &["run"]),
    ("conda", &["run"]),
    ("bundle", &["exec"]),
    ("direnv", &["exec"]),
    ("mise", &["exec", "x"]),
    ("asdf", &["exec"]),
    ("nix", &["run", "shell", "develop"]),
];

/// Parts of bash that run their arguments, or read them as code; words of its grammar too.
const BUILTINS: [&str; 13] = [
    ".", "bind", "builtin", "command", "compgen", "complete", "coproc", "eval", "exec", "function", "jobs",
    "select", "source",
];

/// Parts of bash that change what later commands of the same line mean; most of them also evaluate an index, `a[$(…)]`.
const CHANGES: [&str; 25] = [
    "alias",
    "compopt",
    "declare",
    "enable",
    "export",
    "fc",
    "getopts",
    "hash",
    "history",
    "let",
    "local",
    "mapfile",
    "read",
    "readarray",
    "readonly",
    "set",
    "shopt",
    "trap",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
    "caller",
];

/// Options that name a program: the command, what must stand before the option if anything must, the option.
const OPTIONS: [(&str, &str, &str); 36] = [
    ("find", "", "-exec"),
    ("find", "", "-execdir"),
    ("find", "", "-ok"),
    ("find", "", "-okdir"),
    ("fd", "", "-x"),
    ("fd", "", "-X"),
    ("fd", "", "--exec"),
    ("fd", "", "--exec-batch"),
    ("rg", "", "--pre"),
    ("rg", "", "--hostname-bin"),
    ("sort", "", "--compress-program"),
    ("tar", "", "-I"),
    ("tar", "", "-F"),
    ("tar", "", "--checkpoint-action"),
    ("tar", "", "--info-script"),
    ("tar", "", "--new-volume-script"),
    ("tar", "", "--rsh-command"),
    ("tar", "", "--to-command"),
    ("tar", "", "--use-compress-program"),
    ("rsync", "", "-e"),
    ("rsync", "", "--rsh"),
    ("split", "", "--filter"),
    ("git", "bisect", "run"),
    ("git", "submodule", "foreach"),
    ("git", "rebase", "-x"),
    ("git", "rebase", "--exec"),
    ("git", "grep", "-O"),
    ("git", "grep", "--open-files-in-pager"),
    ("git", "difftool", "-x"),
    ("git", "difftool", "--extcmd"),
    ("git", "", "--upload-pack"),
    ("git", "", "--receive-pack"),
    ("git", "", "--exec"),
    ("git", "filter-branch", ""),
    ("git", "mergetool", ""),
    ("git", "config", ""),
];

/// Options of git itself, before its subcommand, that lead to no other repository and to no program.
const GIT_FREE: [&str; 10] = [
    "--help",
    "--html-path",
    "--info-path",
    "--literal-pathspecs",
    "--man-path",
    "--no-optional-locks",
    "--no-pager",
    "--no-replace-objects",
    "--version",
    "-P",
];

/// The name of a program without the folders before it.
pub(crate) fn program(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

/// Why these words may run something that they do not begin with; none for an ordinary command.
pub(crate) fn runs_others(words: &[String]) -> Option<String> {
    let (name, arguments) = words.split_first()?;
    let name = match program(name) {
        "fdfind" => "fd",
        "gtar" | "bsdtar" => "tar",
        "gsort" => "sort",
        "gfind" => "find",
        name => name,
    };
    if PROGRAMS.contains(&name) || is_loader(name) {
        return Some(format!("{name} runs what its arguments name"));
    }
    if BUILTINS.contains(&name) || CHANGES.contains(&name) {
        return Some(format!("{name} changes what bash runs"));
    }
    let evaluates = match name {
        "printf" => printf_sets(arguments),
        "test" | "[" => arguments.iter().any(|word| word == "-v" || word == "-R"),
        _ => false,
    };
    if evaluates {
        return Some(format!("{name} evaluates the index of a variable"));
    }
    if name == "git"
        && let Some(option) = steers_git(arguments)
    {
        return Some(format!("git {option} leads to another repository or program"));
    }
    let option = OPTIONS.iter().find(|(of, after, option)| *of == name && has(arguments, after, option))?;
    Some(format!("{name} runs a program with {}", [option.1, option.2].join(" ").trim()))
}

/// Whether any of these words may be the command that runs.
pub(crate) fn launches(words: &[String]) -> bool {
    let Some((name, arguments)) = words.split_first() else { return false };
    let launcher = LAUNCHERS.iter().find(|(launcher, _)| *launcher == program(name));
    let by = |subcommands: &[&str]| {
        subcommands.is_empty() || arguments.iter().any(|word| subcommands.contains(&word.as_str()))
    };
    runs_others(words).is_some() || launcher.is_some_and(|(_, subcommands)| by(subcommands))
}

/// The system's loader of programs, which runs the one that it is given.
fn is_loader(name: &str) -> bool {
    (name.starts_with("ld-") || name.starts_with("ld.so")) && name.contains(".so")
}

/// Letters of short options before a value that is glued to them: `-vS'rm x'`.
const MOST_LETTERS: usize = 4;

/// The lines that a wrapper's word may hold: the word itself where it has more than one word, and what is glued to an option.
pub(crate) fn lines_in(word: &str) -> Vec<&str> {
    let is_line = word.contains([' ', '\t', '\n', ';']);
    let mut lines: Vec<&str> = Some(word).filter(|_| is_line).into_iter().collect();
    if let Some(long) = word.strip_prefix("--") {
        lines.extend(long.split_once('=').map(|(_, value)| value));
    } else if let Some(short) = word.strip_prefix('-') {
        let letters = short.bytes().take_while(u8::is_ascii_alphanumeric).count().min(MOST_LETTERS);
        lines.extend((1..=letters).map(|n| &short[n..]).filter(|rest| !rest.is_empty()));
    }
    lines
}

/// The option before git's subcommand, or the address, that makes git run or read something else.
fn steers_git(arguments: &[String]) -> Option<&str> {
    let before = arguments.iter().take_while(|word| word.starts_with('-')).map(String::as_str);
    let steering = before.into_iter().find(|option| !GIT_FREE.contains(option));
    steering.or_else(|| arguments.iter().map(String::as_str).find(|word| word.starts_with("ext::")))
}

fn has(arguments: &[String], after: &str, option: &str) -> bool {
    let mut words = arguments.iter().map(String::as_str);
    if !after.is_empty() && !words.any(|word| word == after) {
        return false;
    }
    option.is_empty() || words.any(|word| is_option(word, option))
}

/// Whether a word is this option, in any spelling that its program takes: `-Ovalue`, `--long=value`, `--lon`.
fn is_option(word: &str, option: &str) -> bool {
    let name = word.split('=').next().unwrap_or(word);
    match option.strip_prefix("--") {
        Some(_) => name == option || name.len() > 4 && option.starts_with(name),
        None if option.len() == 2 => word.starts_with(option),
        None => word == option,
    }
}

/// Whether these arguments of `printf` set a variable: by `-v`, or by `%n`, which stores how much was written so far.
fn printf_sets(arguments: &[String]) -> bool {
    let stores = |word: &String| {
        word.replace("%%", "").split('%').skip(1).any(|after| {
            let kind = after.trim_start_matches(|c: char| c.is_ascii_digit() || "-+ #'.*hlLjztq".contains(c));
            kind.starts_with('n')
        })
    };
    arguments.first().is_some_and(|first| first.starts_with("-v")) || arguments.iter().any(stores)
}

/// Whether a command changes what the commands after it mean.
pub(crate) fn changes_shell(words: &[String]) -> bool {
    words.first().is_some_and(|name| {
        CHANGES.contains(&name.as_str())
            || BUILTINS.contains(&name.as_str())
            || name == "printf" && printf_sets(&words[1..])
    })
}

/// Whether a command changes the directory that the commands after it run in.
pub(crate) fn changes_directory(words: &[String]) -> bool {
    words.first().is_some_and(|name| ["cd", "pushd", "popd"].contains(&name.as_str()))
}

/// Whether a command is git, or a program of its family that reads the repository's config.
pub(crate) fn is_git(words: &[String]) -> bool {
    words.first().is_some_and(|name| is_git_program(name))
}

/// Whether a word is git, or a program of its family.
pub(crate) fn is_git_program(word: &str) -> bool {
    let name = program(word);
    name == "git" || name.starts_with("git-")
}

//! The command line as it is typed.
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::{ffi::OsString, path::PathBuf};

/// A personal agent that remembers, across every session on this machine.
#[derive(Debug, Parser)]
#[command(
    name = "duyetbot",
    version,
    after_help = "Examples:\n  duyetbot                              talk in this terminal\n  duyetbot ask \"What did we decide about the parser?\"\n  git diff | duyetbot ask \"Review this\"\n  duyetbot ask -c \"And the second point?\"   go on with this directory's newest session\n  duyetbot sessions ls"
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct Global {
    /// How answers are written to standard output.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    pub(crate) output_format: Format,
    /// The model: PROVIDER/NAME, or a provider alone for its newest (anthropic, openai, recall).
    #[arg(long, global = true, value_name = "PROVIDER/NAME")]
    pub(crate) model: Option<String>,
    /// Where sessions are kept: sqlite:PATH, or memory: for nothing kept.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) storage: Option<String>,
    /// Work on the profile's server instead of this machine; --remote=URL and --remote=PROFILE name another.
    #[arg(long, global = true, value_name = "URL|PROFILE", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) remote: Option<String>,
    /// The profile whose server is meant.
    #[arg(long, global = true, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// A line at a time instead of the full interface.
    #[arg(long, global = true)]
    pub(crate) plain: bool,
    /// Let calls of this rule run unasked: TOOL, or TOOL(PATTERN) as in "bash(git status:*)" or "edit(src/**)".
    #[arg(long, global = true, value_name = "RULE")]
    pub(crate) allow: Vec<String>,
    /// Ask before calls of this rule, whatever is allowed.
    #[arg(long, global = true, value_name = "RULE")]
    pub(crate) ask: Vec<String>,
    /// Refuse calls of this rule, whatever is allowed.
    #[arg(long, global = true, value_name = "RULE")]
    pub(crate) deny: Vec<String>,
}

/// How output is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document and nothing else.
    Json,
    /// One JSON event a line, as it happens (`ask` only).
    StreamJson,
}

/// The format that a command line asks for which could not be read as a whole.
pub(crate) fn wanted_format(args: impl Iterator<Item = OsString>) -> Format {
    let words = args.map(|arg| arg.to_string_lossy().into_owned()).take_while(|arg| arg != "--");
    let mut format = Format::Text;
    let mut names_format = false;
    for word in words {
        let value = match word.strip_prefix("--output-format=") {
            Some(value) => Some(value),
            None => names_format.then_some(word.as_str()),
        };
        if let Some(found) = value.and_then(|value| Format::from_str(value, false).ok()) {
            format = found;
        }
        names_format = word == "--output-format";
    }
    format
}

/// A count of which none would be no wish.
fn at_least_one() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..)
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Ask once. Standard input is the prompt, or context beside it.
    #[command(
        after_help = "Examples:\n  duyetbot ask \"What are my recent sessions?\"\n  duyetbot ask -c \"Go on\"\n  cargo test 2>&1 | duyetbot ask \"Why does this fail?\"\n  duyetbot ask -- \"--help is what?\"\n\nA pipe that says nothing for 1.5 s is not waited for when a prompt is given; --stdin waits for its end.\n\nThe same call three times to the same end, or five answers in a row with nothing but refused calls, end the turn.\n\nExit codes: 0 done, 1 failed, 2 usage, 3 not signed in or key refused, 4 a limit or guard, 5 a call was refused\nbecause nobody could decide, 130 stopped."
    )]
    Ask(Ask),
    /// List, show and change sessions.
    Sessions {
        #[command(subcommand)]
        command: Sessions,
    },
    /// List the calls that wait for a decision, and decide them.
    #[command(
        after_help = "Examples:\n  duyetbot approvals ls\n  duyetbot approvals allow call_1\n  duyetbot approvals deny 0192\n\nAn id is a call's or a run's, or the beginning of it where that is unique. In the folder where the run works the turn\ngoes on here; elsewhere it goes on where duyetbot runs in that folder, or is started next."
    )]
    Approvals {
        #[command(subcommand)]
        command: Approvals,
    },
    /// Show or change settings.
    #[command(
        after_help = "Examples:\n  duyetbot config                          all settings and where each comes from\n  duyetbot config set model anthropic\n  duyetbot config get storage\n  duyetbot config path\n  duyetbot config rules explain \"bash(git push)\""
    )]
    Config {
        #[command(subcommand)]
        command: Option<Config>,
    },
    /// Serve the HTTP API: to the one person of this machine, whose token the first line names, or, with JWT_SECRET, to the
    /// people of the storage.
    #[command(
        after_help = "Examples:\n  duyetbot serve\n  duyetbot serve --listen 127.0.0.1:0         a port that is free\n  duyetbot serve --storage sqlite:team.db\n  duyetbot serve --check                      what holds, without serving\n  duyetbot serve --ready                      whether the one that runs can serve\n  JWT_SECRET=… duyetbot serve --listen 0.0.0.0:8787 --storage sqlite:team.db\n\nJWT_SECRET has 32 bytes or more; `duyetbot users add EMAIL` adds people, also while it serves. SIGTERM ends streams with a hint to resume; a second one stops at once. Runs go on with the next start."
    )]
    Serve {
        /// The address, in the place of the setting serve.listen [usually: 127.0.0.1:8787]; port 0 picks one that is free.
        #[arg(long, value_name = "ADDR")]
        listen: Option<String>,
        /// Say what holds, and everything that would keep it from starting, and serve nothing.
        #[arg(long)]
        check: bool,
        /// Ask the server that runs at this address whether it can serve: 0 if it can, 1 if it cannot.
        #[arg(long, conflicts_with = "check")]
        ready: bool,
    },
    /// Check the home, the settings, the database and the model.
    #[command(after_help = "Examples:\n  duyetbot doctor\n  duyetbot doctor --repair")]
    Doctor {
        /// Mend a damaged database: make its search index anew, or save what can be read into a new file beside it.
        #[arg(long)]
        repair: bool,
    },
    /// Copy the database whole into a new file, also while it is in use.
    #[command(
        after_help = "Examples:\n  duyetbot backup talk-$(date +%F).db\n  duyetbot backup --storage sqlite:team.db team-$(date +%F).db\n\nAll that was stored before it began is in the copy. The copy is looked at before it has its name; where that fails there is no such file."
    )]
    Backup {
        /// The file to make. One that is there is left as it is.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Put a backup in the database's place, while nothing uses it.
    #[command(
        after_help = "Example:\n  duyetbot restore talk-2026-01-31.db\n\nWhat stood there is kept beside it under another name. People who were erased since the backup was made are erased in it too. A backup that is damaged or of a newer duyetbot is refused, and nothing is changed."
    )]
    Restore {
        /// The backup.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// List, add and erase the people of a server, on its storage.
    Users {
        #[command(subcommand)]
        command: Users,
    },
    /// Sign in at a server, with a token.
    #[command(
        after_help = "Examples:\n  duyetbot login https://bot.example.org --token < token.txt\n  duyetbot login --profile work https://bot.example.org --token\n  duyetbot login \"http://127.0.0.1:8787/?token=…\"    the line that `duyetbot serve` prints\n\nThe token is kept in the home's credentials.json, for you alone, and goes to this server only. Then `duyetbot ask\n--remote` asks there; `duyetbot config set profiles.default.remote true` makes every command go there."
    )]
    Login(Login),
    /// Forget the token of a profile.
    Logout,
    /// Say who you are at the profile's server.
    Whoami,
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  duyetbot completions bash > ~/.local/share/bash-completion/completions/duyetbot"
    )]
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, Args)]
pub(crate) struct Login {
    /// The server's address; without it that of the profile.
    #[arg(value_name = "URL")]
    pub(crate) url: Option<String>,
    /// Sign in with a token: from standard input, or as --token=TOKEN, where others may see it in the list of processes.
    #[arg(long, value_name = "TOKEN", num_args = 0..=1, require_equals = true, default_missing_value = "")]
    pub(crate) token: Option<String>,
    /// Let the token go to another machine over plain HTTP: the network is your own.
    #[arg(long)]
    pub(crate) plain_http: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Ask {
    /// What to ask. Several words are joined. After -- all is text.
    #[arg(value_name = "PROMPT")]
    pub(crate) prompt: Vec<String>,
    /// Go on with this directory's newest session.
    #[arg(short = 'c', long = "continue", conflicts_with = "resume")]
    pub(crate) go_on: bool,
    /// Go on with this session (its id, or the beginning of it).
    #[arg(short = 'r', long, value_name = "ID")]
    pub(crate) resume: Option<String>,
    /// Answers that the model may give in this turn, tool calls between them.
    #[arg(long, value_name = "N", value_parser = at_least_one())]
    pub(crate) max_steps: Option<u32>,
    /// Wait for standard input to end, however long it is silent.
    #[arg(long)]
    pub(crate) stdin: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Sessions {
    /// List sessions, the latest first.
    #[command(
        after_help = "Examples:\n  duyetbot sessions ls\n  duyetbot sessions ls --here --limit 5\n  duyetbot sessions ls --title parser --all --output-format json"
    )]
    Ls {
        /// At most this many.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = at_least_one())]
        limit: u32,
        /// Completed ones too.
        #[arg(long)]
        all: bool,
        /// Only those begun in this directory.
        #[arg(long)]
        here: bool,
        /// Only those whose title holds this.
        #[arg(long, value_name = "TEXT")]
        title: Option<String>,
        /// Only those in the bin.
        #[arg(long)]
        deleted: bool,
    },
    /// Begin a session and print its id.
    New {
        /// Its title.
        #[arg(value_name = "TITLE")]
        title: Vec<String>,
    },
    /// Show a session's messages.
    #[command(
        after_help = "Examples:\n  duyetbot sessions show 0192\n  duyetbot sessions show 0192 --branches"
    )]
    Show {
        /// Its id, or the beginning of it.
        id: String,
        /// At most this many, the latest.
        #[arg(long, default_value_t = 50, value_name = "N", value_parser = at_least_one())]
        limit: u32,
        /// List the ends of all branches instead.
        #[arg(long)]
        branches: bool,
        /// Show the branch that ends with this message.
        #[arg(long, value_name = "MESSAGE")]
        branch: Option<String>,
    },
    /// Talk on in a session.
    Resume {
        /// Its id, or the beginning of it.
        id: String,
    },
    /// Give a session another title, or another state.
    #[command(
        after_help = "Examples:\n  duyetbot sessions rename 0192 \"The parser\"\n  duyetbot sessions rename 0192 --state completed"
    )]
    Rename {
        /// Its id, or the beginning of it.
        id: String,
        /// The title.
        #[arg(value_name = "TITLE", required_unless_present = "state")]
        title: Vec<String>,
        /// The state.
        #[arg(long, value_parser = ["active", "paused", "completed"])]
        state: Option<String>,
    },
    /// Copy a session up to a message into a new one.
    Fork {
        /// Its id, or the beginning of it.
        id: String,
        /// The last message to take; without it the end.
        #[arg(long, value_name = "MESSAGE")]
        at: Option<String>,
    },
    /// Write a session as JSON, or Markdown for people.
    #[command(
        after_help = "Examples:\n  duyetbot sessions export 0192 > talk.json\n  duyetbot sessions export 0192 --format markdown -o talk.md"
    )]
    Export {
        /// Its id, or the beginning of it.
        id: String,
        /// The form.
        #[arg(long, value_enum, default_value_t = ExportFormat::Json)]
        format: ExportFormat,
        /// The file to write; without it, or for -, standard output.
        #[arg(short, long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Read exported sessions, or an older duyetbot's `sessions` folder. The files stay as they are.
    #[command(
        after_help = "Examples:\n  duyetbot sessions import talk.json\n  duyetbot sessions import ~/.duyetbot/sessions\n  cat talk.json | duyetbot sessions import -"
    )]
    Import {
        /// Files and folders; - is standard input.
        #[arg(required = true, value_name = "PATH")]
        paths: Vec<PathBuf>,
    },
    /// Put a session into the bin; it is erased after 30 days.
    #[command(
        after_help = "Examples:\n  duyetbot sessions rm 0192\n  duyetbot sessions rm 0192 --undo\n  duyetbot sessions rm 0192 --erase    at once, cannot be undone"
    )]
    Rm {
        /// Its id, or the beginning of it.
        id: String,
        /// Erase it now, with every word; this cannot be undone.
        #[arg(long, conflicts_with = "undo")]
        erase: bool,
        /// Take it out of the bin.
        #[arg(long)]
        undo: bool,
    },
    /// Find messages by their words.
    #[command(
        after_help = "Examples:\n  duyetbot sessions search parser\n  duyetbot sessions search \"\\\"exact words\\\"\""
    )]
    Search {
        /// The words.
        #[arg(required = true, value_name = "WORDS")]
        words: Vec<String>,
        /// At most this many.
        #[arg(long, default_value_t = 20, value_name = "N", value_parser = at_least_one())]
        limit: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// The documented schema; imports back equal.
    Json,
    /// For people.
    Markdown,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Print one setting's value.
    Get {
        /// Its key, such as model or limits.sessions.
        key: String,
    },
    /// Write one setting into the home's config.toml.
    Set {
        /// Its key, such as model or limits.sessions.
        key: String,
        /// Its value.
        value: String,
    },
    /// Print the path of the home's config.toml.
    Path,
    /// What the rules make of a call.
    Rules {
        #[command(subcommand)]
        command: Rules,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rules {
    /// Say what would happen to a call, and by which rule of which source.
    #[command(
        after_help = "Examples:\n  duyetbot config rules explain \"bash(git status && rm -rf build)\"\n  duyetbot config rules explain bash \"git push\"\n  duyetbot config rules explain edit '{\"path\":\"src/main.rs\"}'"
    )]
    Explain {
        /// The call as TOOL(…), or the tool alone.
        #[arg(value_name = "CALL")]
        call: String,
        /// The command, path or address; or the tool's input as JSON.
        #[arg(value_name = "INPUT", allow_hyphen_values = true)]
        input: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Approvals {
    /// List the calls that wait, those of the newest turn first.
    Ls,
    /// Let a call run.
    Allow {
        /// The call's id, or the beginning of it.
        id: String,
    },
    /// Refuse a call.
    Deny {
        /// The call's id, or the beginning of it.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum Users {
    /// List people, the latest added first.
    #[command(
        after_help = "Examples:\n  duyetbot users ls --storage sqlite:team.db\n  duyetbot users ls --output-format json"
    )]
    Ls,
    /// Add a person, and print their id and an API token.
    #[command(
        after_help = "Example:\n  duyetbot users add ada@example.org --storage sqlite:team.db\n\nThe token is shown once. The first login with this address, verified by its provider, is theirs."
    )]
    Add {
        /// Their e-mail address.
        email: String,
        /// Their name.
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
    },
    /// Make another API token for a person, and print it with their id.
    #[command(
        after_help = "Example:\n  duyetbot users token invited:0192 --name laptop --storage sqlite:team.db"
    )]
    Token {
        /// The person's id, or the beginning of it.
        id: String,
        /// What the token is for.
        #[arg(long, value_name = "NAME", default_value = "made by the operator")]
        name: String,
    },
    /// Erase a person and all that they have; this cannot be undone.
    #[command(
        after_help = "Example:\n  duyetbot users rm invited:0192 --storage sqlite:team.db\n\nIt takes effect at once. Where it is cut off, the same command with the whole id goes on."
    )]
    Rm {
        /// The person's id, or the beginning of it.
        id: String,
    },
}

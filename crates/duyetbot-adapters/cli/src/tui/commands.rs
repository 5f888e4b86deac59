//! The commands that a person types.

/// A command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Help,
    New,
    Quit,
    Model(Option<String>),
    Sessions,
    Fork,
    Compact,
    Export(Option<String>),
}

/// Their names, and what each does.
pub(crate) const COMMANDS: &[(&str, &str)] = &[
    ("/compact", "sum up what was said so far"),
    ("/export", "write this session to a file: /export talk.md, or talk.json"),
    ("/fork", "go on in a copy of this session"),
    ("/help", "list commands and keys"),
    ("/model", "choose the model that answers, or name it: /model PROVIDER/NAME"),
    ("/new", "begin a session"),
    ("/quit", "leave"),
    ("/sessions", "go on with another session"),
];

/// What was typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Nothing,
    Words,
    Command(Command),
    Unknown(String),
}

/// Reads what was typed. What begins with a slash but reads like a path is words.
pub(crate) fn read(text: &str) -> Said {
    let text = text.trim();
    if text.is_empty() {
        return Said::Nothing;
    }
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let argument = Some(rest.trim().to_owned()).filter(|rest| !rest.is_empty());
    let command = match name {
        "/help" => Command::Help,
        "/new" => Command::New,
        "/quit" | "/exit" => Command::Quit,
        "/model" => Command::Model(argument.clone()),
        "/sessions" => Command::Sessions,
        "/fork" => Command::Fork,
        "/compact" => Command::Compact,
        "/export" => Command::Export(argument.clone()),
        _ if !name.starts_with('/') || name[1..].contains('/') || argument.is_some() => return Said::Words,
        _ => return Said::Unknown(name.to_owned()),
    };
    let takes_argument = matches!(command, Command::Model(_) | Command::Export(_));
    if argument.is_some() && !takes_argument {
        return Said::Words;
    }
    Said::Command(command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_words() {
        for (text, right) in [
            ("  ", Said::Nothing),
            ("hello", Said::Words),
            ("/quit", Said::Command(Command::Quit)),
            ("/model openai/gpt-5", Said::Command(Command::Model(Some("openai/gpt-5".to_owned())))),
            ("/export a b.md", Said::Command(Command::Export(Some("a b.md".to_owned())))),
            ("/usr/bin/env", Said::Words),
            ("/new ideas for the garden", Said::Words),
            ("/wat", Said::Unknown("/wat".to_owned())),
            ("/wat is this", Said::Words),
        ] {
            assert_eq!(read(text), right, "{text}");
        }
    }

    #[test]
    fn every_listed_command_is_known() {
        for (name, _) in COMMANDS {
            assert!(matches!(read(name), Said::Command(_)), "{name}");
        }
    }
}

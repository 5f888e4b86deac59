//! Standard input as a prompt, or as context beside one: bounded, and never waited for in silence.
use duyetbot_core::{Code, Error, Result, run::LARGEST_MESSAGE, text};
use std::{
    io::{self, IsTerminal, Read},
    thread,
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};

use crate::output::Output;

/// How long a silent pipe is waited for where a prompt is given.
const SILENCE: Duration = Duration::from_millis(1500);

/// Whether standard input has to be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// It is the prompt.
    Prompt,
    /// It is context; a silent pipe is left alone.
    Context,
    /// It is context, and its end is waited for.
    AllContext,
}

enum Piece {
    Bytes(Vec<u8>),
    End,
    Failed(io::Error),
}

/// Reads standard input; none where it is a terminal, closed, or says nothing.
pub(crate) async fn read(need: Need, output: &Output) -> Result<Option<String>> {
    if io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut pieces = reader();
    let mut bytes = Vec::new();
    let mut said = false;
    loop {
        let piece = match timeout(SILENCE, pieces.recv()).await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            Err(_) if need == Need::Context && bytes.is_empty() => {
                output.notice(
                    "nothing came on standard input within 1.5 s; going on without it (--stdin waits)",
                );
                return Ok(None);
            }
            Err(_) => {
                if !said {
                    said = true;
                    let what =
                        if need == Need::Prompt && bytes.is_empty() { "the prompt" } else { "the end" };
                    output.notice(&format!("waiting for {what} on standard input (Ctrl-C ends this)"));
                }
                continue;
            }
        };
        match piece {
            Piece::Bytes(more) => bytes.extend(more),
            Piece::End => break,
            Piece::Failed(error) => {
                return Err(Error::invalid(format!("cannot read standard input: {error}")));
            }
        }
        if bytes.len() > LARGEST_MESSAGE {
            return Err(Error::invalid(format!(
                "standard input has more than {} MB; give a smaller part of it, for example through head or grep",
                LARGEST_MESSAGE / (1024 * 1024)
            ))
            .with_code(Code::TooLarge));
        }
    }
    Ok(text_of(&bytes, output))
}

/// A thread of its own, because a read of a pipe cannot be given up.
fn reader() -> mpsc::Receiver<Piece> {
    let (send, pieces) = mpsc::channel(4);
    thread::spawn(move || {
        let mut stdin = io::stdin().lock();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let piece = match stdin.read(&mut buffer) {
                Ok(0) => Piece::End,
                Ok(n) => Piece::Bytes(buffer[..n].to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                // A closed standard input is an empty one.
                Err(error) if error.raw_os_error() == Some(9) => Piece::End,
                Err(error) => Piece::Failed(error),
            };
            let last = !matches!(piece, Piece::Bytes(_));
            if send.blocking_send(piece).is_err() || last {
                break;
            }
        }
    });
    pieces
}

fn text_of(bytes: &[u8], output: &Output) -> Option<String> {
    if std::str::from_utf8(bytes).is_err() {
        output.notice("standard input is not valid UTF-8; what could not be read stands as \u{fffd}");
    }
    let text = text::from_bytes(bytes);
    let text = text.trim_end_matches(['\r', '\n']);
    Some(text.to_owned()).filter(|t| !t.trim().is_empty())
}

//! The server's log on standard error: as text or JSON, a line an event, without secrets and without anybody's words.
use duyetbot_core::{Error, ErrorKind, Result, redact::Redactor};
use std::{
    io::{self, Write},
    panic,
    sync::Arc,
};
use tracing::Level;
use tracing_subscriber::fmt::MakeWriter;

use crate::settings::Settings;

/// The words of `log.format`.
const JSON: &str = "json";

/// Sets it up as the settings say; these values never stand in it.
pub(super) fn begin(settings: &Settings, secrets: Vec<String>) -> Result<()> {
    let log = tracing_subscriber::fmt()
        .with_writer(Redacted(Arc::new(redactor(secrets))))
        .with_ansi(false)
        .with_target(false)
        .with_max_level(level(settings)?);
    let begun = match settings.text("log.format").as_deref() {
        Some(JSON) => log.json().flatten_event(true).with_current_span(false).try_init(),
        _ => log.try_init(),
    };
    begun.map_err(|error| Error::new(ErrorKind::Internal, format!("the log cannot be set up: {error}")))?;
    // What a panic says may be somebody's words; where it was is enough to find it.
    panic::set_hook(Box::new(|panicked| {
        let at = panicked.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(at, "a part of the program panicked");
    }));
    Ok(())
}

fn level(settings: &Settings) -> Result<Level> {
    match settings.text("log.level") {
        Some(level) => level.parse().map_err(|_| Error::invalid(format!("log.level: {level} is no level"))),
        None => Ok(Level::INFO),
    }
}

/// Standard error, behind the one place that takes secrets out.
#[derive(Clone)]
struct Redacted(Arc<Redactor>);

/// Takes these values out, also as JSON writes them, where some of their characters stand otherwise.
fn redactor(secrets: Vec<String>) -> Redactor {
    let written = |secret: &String| {
        let json = serde_json::to_string(secret).ok()?;
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        (inner != secret).then(|| inner.to_owned())
    };
    let in_json: Vec<String> = secrets.iter().filter_map(written).collect();
    Redactor::new(&[secrets, in_json].concat())
}

impl<'a> MakeWriter<'a> for Redacted {
    type Writer = Line;
    fn make_writer(&'a self) -> Line {
        Line(self.0.clone())
    }
}

/// One event: it is written in one piece.
struct Line(Arc<Redactor>);

impl Write for Line {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(line);
        io::stderr().lock().write_all(self.0.redact(&text).as_bytes())?;
        Ok(line.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_out_as_it_is_and_as_json_writes_it() {
        let redactor = redactor(vec!["pass\"word\\1".to_owned()]);
        for secret in ["pass\"word\\1", "pass\\\"word\\\\1"] {
            let line = format!("a {secret} b");
            assert!(redactor.alters(&line) && !redactor.redact(&line).contains("word"), "{line}");
        }
    }
}

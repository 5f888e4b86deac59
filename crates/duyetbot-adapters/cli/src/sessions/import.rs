//! Imports: exported sessions and an older duyetbot's files. Nothing of a file that is not as it should be is taken.
use duyetbot_core::{
    Change, Code, Content, Error, ErrorKind, Message, NewSession, Result, Session, SessionId,
};
use duyetbot_wire::{Export, Imported, legacy};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, IsTerminal, Read},
    path::{Path, PathBuf},
};

use super::copy::{Copy, rename, renamed, write};
use crate::{app::App, exit::Exit, home::Home, home::io_error};

/// Stored messages that are compared at a time.
const PAGE: u32 = 500;

pub(super) async fn import(app: &App, paths: &[PathBuf]) -> Result<Exit> {
    let mut files = Vec::new();
    for path in paths {
        files.extend(files_of(path)?);
    }
    if files.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, "there is no .json file to import in that folder"));
    }
    let (mut done, mut failed) = (Vec::new(), None);
    for path in files {
        match one(app, &path).await {
            Ok(imported) => {
                if !app.output.is_json() {
                    let note = imported.note.as_ref().map(|n| format!(" ({n})")).unwrap_or_default();
                    app.output.line(&format!(
                        "{}  {} messages  {}{note}",
                        imported.session_id, imported.messages, imported.file
                    ))?;
                }
                done.push(imported);
            }
            Err(error) => {
                // The last one is told at the end, as what the command came to.
                if let Some(before) = failed.replace(of_file(error, &path)) {
                    app.output.notice(before.message());
                }
            }
        }
    }
    match failed {
        Some(error) if app.output.is_json() => Err(error),
        Some(error) => {
            app.output.notice(error.message());
            Ok(Exit::of(&error))
        }
        None if app.output.is_json() => {
            app.output.json(&done)?;
            Ok(Exit::Done)
        }
        None => Ok(Exit::Done),
    }
}

/// The failure with the file's name, where it does not say it.
fn of_file(error: Error, path: &Path) -> Error {
    let name = path.display().to_string();
    if error.message().contains(&name) {
        return error;
    }
    let words = format!("{name}: {}", error.message());
    error.with_message(words)
}

/// The JSON files of a folder, or the file itself.
fn files_of(path: &Path) -> Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| io_error("read", path, &e))? {
        let file = entry.map_err(|e| io_error("read", path, &e))?.path();
        if file.extension().is_some_and(|e| e == "json") && file.is_file() {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

async fn one(app: &App, path: &Path) -> Result<Imported> {
    let bytes = read(path)?;
    let name = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let export =
        if Export::looks_like(&bytes) { Export::parse(&bytes)? } else { legacy::parse(&name, &bytes)? };
    let (mut session, mut messages) = export.into_core()?;
    take_secrets_out(app, &mut session, &mut messages)?;
    let count = messages.len();
    let store = app.bot.store();
    let existing = match store.session(app.bot.scope(), session.id).await {
        Ok(found) => Some(found),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let mut id = session.id;
    let mut head = session.head;
    let mut fields = vec![Change::State(session.state), Change::Updated(session.updated)];
    let mut note = None;
    if let Some(existing) = existing {
        let stored = stored_of(app, existing.id, &messages).await?;
        if stored.is_none() {
            // The same ids with other words: nothing is overwritten, the file becomes a session of its own.
            id = SessionId::derived(
                session.id.uuid(),
                &format!("{:?}", messages.iter().map(|m| &m.hash).collect::<Vec<_>>()),
            );
            rename(&mut messages, id);
            head = head.map(|head| renamed(head, id));
            note = Some("its id is taken by another session; imported beside it");
        } else {
            // An import that was cut is finished; a session that went on since stays as the person left it.
            let cut = stored == Some(existing.messages) && existing.messages < count as u64;
            if !cut {
                head = None;
                fields.clear();
            }
            if existing.deleted {
                fields.insert(0, Change::Restore);
            }
            if stored == Some(count as u64) {
                // All of it is here: nothing is written, or indexed, once more.
                messages.clear();
            }
            note = Some("known; what was missing was added");
        }
    }
    refuse_too_many(app, count)?;
    let mut copy = Copy {
        id,
        create: NewSession {
            title: session.title.clone(),
            parent: session.parent,
            place: session.place.clone(),
            metadata: session.metadata.clone(),
            created: session.created,
        },
        messages,
        head,
        fields,
    };
    let mut written = write(app, &copy).await;
    if matches!(&written, Err(error) if error.is(Code::ContentDiffers))
        && stored_of(app, id, &copy.messages).await? == Some(0)
    {
        // Another session has messages of these ids: here they get ids of their own.
        rename(&mut copy.messages, id);
        copy.head = copy.head.map(|head| renamed(head, id));
        note = Some("its messages' ids are taken by another session; here they have others");
        written = write(app, &copy).await;
    }
    if let Err(error) = written {
        return Err(with_what_is_stored(app, id, error).await);
    }
    let (file, note) = (path.display().to_string(), note.map(str::to_owned));
    Ok(Imported { file, session_id: id.to_string(), messages: count, note })
}

/// What is brought in is kept like what is said here: without its secrets.
fn take_secrets_out(app: &App, session: &mut Session, messages: &mut [Message]) -> Result<()> {
    let redactor = app.bot.redactor();
    session.title = redactor.redact(&session.title).into_owned();
    session.metadata = redactor.redact(&session.metadata).into_owned();
    for message in messages {
        if redactor.redact_parts(&mut message.parts) {
            message.hash = Content::of(message.role, &message.parts)?.hash().to_owned();
        }
    }
    Ok(())
}

/// What cannot be taken whole is not begun.
fn refuse_too_many(app: &App, messages: usize) -> Result<()> {
    match app.bot.limits().messages {
        Some(most) if messages as u64 > most => Err(Error::new(
            ErrorKind::LimitReached,
            format!("it has {messages} messages, and limits.messages_per_session allows {most}"),
        )
        .with_code(Code::MessageLimit)),
        _ => Ok(()),
    }
}

/// A long import is several commits: what of it is stored when one fails is said, and the same import again adds the rest.
async fn with_what_is_stored(app: &App, id: SessionId, error: Error) -> Error {
    match app.bot.store().session(app.bot.scope(), id).await {
        Ok(session) if session.messages > 0 => {
            let words = format!(
                "{} ({} messages of session {id} are stored; the same import again adds the rest)",
                error.message(),
                session.messages
            );
            error.with_message(words)
        }
        // Nothing of it is stored, or that cannot be known: the failure itself is what there is to say.
        _ => error,
    }
}

/// How many of these messages are stored in the session; none where one is stored with other content.
async fn stored_of(app: &App, session: SessionId, messages: &[Message]) -> Result<Option<u64>> {
    let hashes: BTreeMap<_, _> = messages.iter().map(|message| (message.id, &message.hash)).collect();
    let (mut known, mut after) = (0, 0);
    loop {
        let page = match app.bot.store().messages(app.bot.scope(), session, after, PAGE).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Some(known)),
            page => page?,
        };
        let Some(last) = page.last() else { return Ok(Some(known)) };
        after = last.seq;
        for stored in &page {
            match hashes.get(&stored.id) {
                Some(hash) if **hash != stored.hash => return Ok(None),
                Some(_) => known += 1,
                None => {}
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let most = duyetbot_wire::LARGEST_IMPORT as u64 + 1;
    let read = if path == Path::new("-") {
        io::stdin().lock().take(most).read_to_end(&mut bytes)
    } else {
        fs::File::open(path).and_then(|f| f.take(most).read_to_end(&mut bytes))
    };
    read.map_err(|e| io_error("read", path, &e))?;
    Ok(bytes)
}

/// The files that an older duyetbot left in this home.
fn legacy_files(home: &Home) -> Vec<PathBuf> {
    let folder = home.legacy_sessions();
    if folder.is_dir() { files_of(&folder).unwrap_or_default() } else { Vec::new() }
}

/// Offers once to import what an older duyetbot left.
pub(crate) async fn offer(app: &App) -> Result<()> {
    if app.bot.local().is_none() {
        return Ok(());
    }
    let files = legacy_files(&app.home);
    let mark = app.home.path().join("legacy-offered");
    if files.is_empty() || mark.exists() {
        return Ok(());
    }
    let folder = app.home.legacy_sessions();
    let found = format!("{} sessions of an older duyetbot lie in {}", files.len(), folder.display());
    if io::stdin().is_terminal()
        && io::stderr().is_terminal()
        && app.output.format == crate::args::Format::Text
    {
        app.output.notice(&format!("{found}; import them now? The files are kept. [Y/n]"));
        if answered_yes().await? {
            import(app, std::slice::from_ref(&folder)).await?;
        }
        return crate::home::replace(&mark, "");
    }
    app.output.notice(&format!("{found}; import them with: duyetbot sessions import {}", folder.display()));
    crate::home::replace(&mark, "")
}

/// Reads the answer to a question whose first choice is yes. Whoever closes the input says no.
async fn answered_yes() -> Result<bool> {
    let mut line = String::new();
    let read = tokio::task::spawn_blocking(move || io::stdin().read_line(&mut line).map(|n| (n, line)));
    let (bytes, line) = read.await.map_err(Error::internal)?.map_err(Error::internal)?;
    Ok(bytes > 0 && matches!(line.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

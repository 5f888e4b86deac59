//! `duyetbot users`: the people of a server's storage, for its operator.
use duyetbot::{Duyetbot, storage_file};
use duyetbot_core::{
    ApiSecret, Code, Erasing, Error, ErrorKind, NewToken, NewUser, Result, Storage, User, UserId,
};
use serde_json::json;
use uuid::Uuid;

use crate::{app::storage, args::Users, exit::Exit, home::Home, output::Output, settings::Settings};

/// People of one page.
const PAGE: u32 = 500;

/// Runs the command on the storage itself, beside a server that may run on it.
pub(crate) async fn run(home: &Home, settings: &Settings, output: &Output, command: Users) -> Result<Exit> {
    let url = storage(home, settings)?;
    if storage_file(&url)?.is_none() {
        return Err(Error::invalid("memory: keeps nobody; name the server's storage with --storage"));
    }
    let bot = Duyetbot::open(&url).await?;
    let done = match command {
        Users::Ls => ls(&**bot.store(), output).await,
        Users::Add { email, name } => add(&**bot.store(), output, &email, name).await,
        Users::Token { id, name } => {
            let user = find(&**bot.store(), &id).await;
            match user {
                Ok(user) => token(&**bot.store(), output, &user, &name).await,
                Err(error) => Err(error),
            }
        }
        Users::Rm { id } => rm(&**bot.store(), output, &id).await,
    };
    let closed = bot.close().await;
    done.and_then(|exit| closed.map(|()| exit))
}

async fn ls(store: &dyn Storage, output: &Output) -> Result<Exit> {
    let mut users: Vec<User> = Vec::new();
    loop {
        let after = users.last().map(User::cursor);
        let page = store.users(after.as_ref(), PAGE).await?;
        if page.is_empty() {
            break;
        }
        users.extend(page);
    }
    if output.is_json() {
        let users: Vec<duyetbot_wire::User> = users.iter().map(Into::into).collect();
        output.json(&users)?;
        return Ok(Exit::Done);
    }
    if users.is_empty() {
        output.notice("nobody was added yet; `duyetbot users add EMAIL` adds a person");
    }
    for user in &users {
        let (email, name) = (user.email.as_deref().unwrap_or("-"), user.name.as_deref().unwrap_or_default());
        let line = format!("{}  {}  {email}  {name}", user.id, user.created.date());
        output.line(line.trim_end())?;
    }
    Ok(Exit::Done)
}

async fn add(store: &dyn Storage, output: &Output, email: &str, name: Option<String>) -> Result<Exit> {
    let new = NewUser { name, ..NewUser::invited(Uuid::now_v7(), email) };
    let user = match store.create_user(&new).await {
        Err(error) if error.is(Code::EmailTaken) => return Err(taken(store, email, error).await?),
        added => added?,
    };
    token(store, output, &user, "added by the operator").await
}

/// Who has the address already, and what to do about it.
async fn taken(store: &dyn Storage, email: &str, error: Error) -> Result<Error> {
    let Some(user) = store.user_by_email(email).await? else { return Ok(error) };
    let words = format!(
        "{} is there already, as {}; `duyetbot users token {}` makes another token",
        email.trim(),
        user.id,
        user.id
    );
    Ok(error.with_message(words))
}

/// Makes a token and shows it, this once.
async fn token(store: &dyn Storage, output: &Output, user: &User, name: &str) -> Result<Exit> {
    let secret = ApiSecret::random()?;
    let made = store.add_token(&user.scope(), &NewToken::full(name, &secret)).await?;
    if output.is_json() {
        let (id, token) = (user.id.as_str(), secret.expose());
        output.json(&json!({ "id": id, "token": token, "tokenId": made.id.to_string() }))?;
        return Ok(Exit::Done);
    }
    output.notice("the token is shown this once; whoever has it acts as this person");
    output.line(&format!("{}  {}", user.id, secret.expose()))?;
    Ok(Exit::Done)
}

async fn rm(store: &dyn Storage, output: &Output, id: &str) -> Result<Exit> {
    let scope = match find(store, id).await {
        Ok(user) => user.scope(),
        // What was begun and cut off is gone on with: only the whole id tells of it.
        Err(unknown) if unknown.kind() == ErrorKind::NotFound => match id.trim().parse::<UserId>() {
            Ok(id) => id.scope(),
            Err(_) => return Err(unknown),
        },
        Err(error) => return Err(error),
    };
    loop {
        match store.erase_user(&scope).await {
            Ok(Erasing::Begun) => {}
            Ok(Erasing::Done) => break,
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(nobody(id)),
            Err(error) => return Err(error),
        }
    }
    // The words leave the files with the sweep.
    store.sweep().await?;
    if output.is_json() {
        output.json(&json!({ "id": scope.owner(), "erased": true }))?;
    } else {
        output.line(&format!("{} is erased", scope.owner()))?;
    }
    Ok(Exit::Done)
}

/// The person of an id, or of its beginning where that is unique.
async fn find(store: &dyn Storage, id: &str) -> Result<User> {
    let id = id.trim();
    if id.is_empty() {
        return Err(Error::invalid("the user's id is empty; `duyetbot users ls` lists them"));
    }
    let mut found = store.users_by_prefix(id).await?;
    if found.len() > 1 && found[0].id.as_str() != id {
        let words = format!(
            "more than one user begins with {id:?}; give more of the id, for example {}",
            found[0].id
        );
        return Err(Error::invalid(words));
    }
    if found.is_empty() { Err(nobody(id)) } else { Ok(found.swap_remove(0)) }
}

fn nobody(id: &str) -> Error {
    Error::not_found("user")
        .with_message(format!("there is no user {:?}; `duyetbot users ls` lists them", id.trim()))
}

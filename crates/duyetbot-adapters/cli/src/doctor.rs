//! `duyetbot doctor`: what holds, what does not, and what to do about it.
use duyetbot::Duyetbot;
use duyetbot_core::Result;
use serde::Serialize;
use std::{fs, os::unix::fs::PermissionsExt};

use crate::{
    app::{model_settings, storage},
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
};

/// One thing that was looked at.
#[derive(Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    detail: String,
}

/// Runs the command. It opens no store: what is damaged must be mendable.
pub(crate) async fn run(
    home: &Home,
    settings: &Result<Settings>,
    environment: &Environment,
    output: &Output,
) -> Result<Exit> {
    let mut findings = vec![look_at_home(home)];
    match settings {
        Ok(settings) => {
            findings.push(Finding { what: "settings", ok: true, detail: "read".into() });
            findings.push(look_at_database(home, settings).await);
            let models = duyetbot::Catalog::new(model_settings(environment, home, settings));
            findings.push(match models.choose(None).await {
                Ok(chosen) => Finding { what: "model", ok: true, detail: chosen },
                Err(error) => Finding { what: "model", ok: false, detail: error.message().to_owned() },
            });
        }
        Err(error) => {
            findings.push(Finding { what: "settings", ok: false, detail: error.message().to_owned() })
        }
    }
    let well = findings.iter().all(|f| f.ok);
    if output.is_json() {
        output.json(&findings)?;
    } else {
        for finding in &findings {
            let mark = if finding.ok { "ok     " } else { "PROBLEM" };
            output.line(&format!("{mark}  {}: {}", finding.what, finding.detail))?;
        }
    }
    Ok(if well { Exit::Done } else { Exit::Failed })
}

fn look_at_home(home: &Home) -> Finding {
    let path = home.path().display();
    let (ok, detail) = match fs::metadata(home.path()) {
        Ok(found) if found.permissions().mode() & 0o077 != 0 => {
            (false, format!("{path} can be read by others; mend it with: chmod 700 {path}"))
        }
        Ok(_) => (true, path.to_string()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            (true, format!("{path} is made at the first use"))
        }
        Err(error) => (false, format!("{path}: {error}; set DUYETBOT_HOME to a folder of yours")),
    };
    Finding { what: "home", ok, detail }
}

async fn look_at_database(home: &Home, settings: &Settings) -> Finding {
    let what = "database";
    if settings.text("storage").is_none() && !home.database().exists() {
        return Finding { what, ok: true, detail: "is made at the first use".to_owned() };
    }
    match counted(home, settings).await {
        Ok(detail) => Finding { what, ok: true, detail },
        Err(error) => Finding { what, ok: false, detail: error.message().to_owned() },
    }
}

async fn counted(home: &Home, settings: &Settings) -> Result<String> {
    let url = storage(home, settings)?;
    let bot = Duyetbot::open(&url).await?;
    let counters = bot.store().counters(bot.scope()).await;
    bot.close().await?;
    let counters = counters?;
    Ok(format!("{url} opens: {} sessions, {} bytes", counters.sessions, counters.bytes))
}

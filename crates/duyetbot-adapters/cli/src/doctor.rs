//! `duyetbot doctor`: what holds, what does not, and what to do about it.
use duyetbot::{
    Health, Repaired, Report, check, repair, storage_file,
    tools::{Bash, Workspace},
};
use duyetbot_core::Result;
use serde::Serialize;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::{
    app::model_settings,
    environment::Environment,
    exit::Exit,
    home::Home,
    output::Output,
    settings::Settings,
    workshop::{sandbox, variables},
};

/// Whether what is damaged is mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mend {
    Nothing,
    Database,
}

/// One thing that was looked at.
#[derive(Serialize)]
pub(crate) struct Finding {
    pub(crate) what: &'static str,
    pub(crate) ok: bool,
    pub(crate) detail: String,
}

/// Runs the command. It opens no store: what is damaged must be mendable.
pub(crate) async fn run(
    home: &Home,
    settings: &Result<Settings>,
    environment: &Environment,
    output: &Output,
    mend: Mend,
) -> Result<Exit> {
    let mut findings = vec![look_at_home(home)];
    match settings {
        Ok(settings) => {
            findings.push(Finding { what: "settings", ok: true, detail: "read".into() });
            findings.push(look_at_database(home, settings, mend).await);
            findings.push(look_at_tools(home, settings, environment));
            findings.push(look_at_model(environment, home, settings).await);
        }
        Err(error) => {
            findings.push(Finding { what: "settings", ok: false, detail: error.message().to_owned() })
        }
    }
    print(output, &findings)
}

/// Prints what was found, and fails where something of it is not well.
pub(crate) fn print(output: &Output, findings: &[Finding]) -> Result<Exit> {
    let well = findings.iter().all(|f| f.ok);
    if output.is_json() {
        output.json(&findings)?;
    } else {
        for finding in findings {
            let mark = if finding.ok { "ok     " } else { "PROBLEM" };
            output.line(&format!("{mark}  {}: {}", finding.what, finding.detail))?;
        }
    }
    Ok(if well { Exit::Done } else { Exit::Failed })
}

pub(crate) fn look_at_home(home: &Home) -> Finding {
    let path = home.path().display();
    let (ok, detail) = match fs::metadata(home.path()) {
        Ok(found) if !found.is_dir() => {
            (false, format!("{path} is not a folder; move it away or set DUYETBOT_HOME"))
        }
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

/// What confines the commands that a model runs here. That a kernel cannot is said, and is no fault of this installation.
fn look_at_tools(home: &Home, settings: &Settings, environment: &Environment) -> Finding {
    let what = "tools";
    if !settings.on("tools.enabled") {
        return Finding { what, ok: true, detail: "the settings turn them off (tools.enabled)".to_owned() };
    }
    match Workspace::open(&environment.folder) {
        Ok(workspace) => {
            let bash = Bash::new(workspace, variables(environment, settings), sandbox(home, settings));
            Finding { what, ok: true, detail: bash.sandbox().to_string() }
        }
        Err(error) => Finding { what, ok: false, detail: error.message().to_owned() },
    }
}

/// Which model answers.
pub(crate) async fn look_at_model(environment: &Environment, home: &Home, settings: &Settings) -> Finding {
    let models = duyetbot::Catalog::new(model_settings(environment, home, settings));
    match models.choose(None).await {
        Ok(chosen) => Finding { what: "model", ok: true, detail: chosen },
        Err(error) => Finding { what: "model", ok: false, detail: error.message().to_owned() },
    }
}

/// The file of the database; none where nothing is kept.
pub(crate) fn database(home: &Home, settings: &Settings) -> Result<Option<PathBuf>> {
    settings.text("storage").as_deref().map_or_else(|| Ok(Some(home.database())), storage_file)
}

pub(crate) async fn look_at_database(home: &Home, settings: &Settings, mend: Mend) -> Finding {
    let what = "database";
    let path = match database(home, settings) {
        Ok(Some(path)) => path,
        Ok(None) => return Finding { what, ok: true, detail: "nothing is kept".to_owned() },
        Err(error) => return Finding { what, ok: false, detail: error.message().to_owned() },
    };
    if fs::symlink_metadata(&path).is_ok_and(|found| found.is_symlink()) && !path.exists() {
        let detail = format!("{} is a link that leads nowhere; mend or remove it", path.display());
        return Finding { what, ok: false, detail };
    }
    if !path.exists() {
        return Finding { what, ok: true, detail: format!("{} is made at the first use", path.display()) };
    }
    let found = match mend {
        Mend::Nothing => check(&path).await.map(|report| told(&report)),
        Mend::Database => repair(&path).await.map(|repaired| (true, mended(&repaired, &path))),
    };
    match found {
        Ok((ok, detail)) => Finding { what, ok, detail },
        Err(error) => Finding { what, ok: false, detail: error.message().to_owned() },
    }
}

/// What a look at the file found, in a sentence.
fn told(report: &Report) -> (bool, String) {
    let file = report.file.display();
    let (ok, detail) = match (report.messages, report.index) {
        (Health::Sound, Health::Sound) => (true, format!("{file} is sound")),
        (Health::Sound, Health::Damaged) => (
            false,
            format!(
                "the search index in {file} is damaged, the messages are not; `duyetbot doctor --repair` makes it anew"
            ),
        ),
        (Health::Damaged, _) => (
            false,
            format!(
                "{file} is damaged; `duyetbot doctor --repair` saves what can be read into a new file beside it"
            ),
        ),
    };
    match report.findings.first() {
        Some(first) => (ok, format!("{detail} (first of {}: {first})", report.findings.len())),
        None => (ok, detail),
    }
}

fn mended(repaired: &Repaired, path: &Path) -> String {
    match repaired {
        Repaired::Nothing => format!("{} is sound; nothing was changed", path.display()),
        Repaired::Index => format!("the search index in {} was made anew", path.display()),
        Repaired::Salvaged { file, saved, lost } => format!(
            "{saved} messages were saved into {}, {lost} could not be read; the old file is as it was. To use the new one, \
             move {} away and give the new one its name",
            file.display(),
            path.display()
        ),
    }
}

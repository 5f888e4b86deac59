//! Settings: flags over environment over the project's file over the home's file, resolved once.
mod file;
mod keys;
mod profiles;
mod value;
mod variables;

pub(crate) use file::{add_in_file, lock, set_in_file};
pub(crate) use keys::{KEYS, Key, Reach, find, nearest, variable};
pub(crate) use profiles::{
    DEFAULT as DEFAULT_PROFILE, Profile, check_name as check_profile_name, field_of, set_in_profile,
};
pub(crate) use value::Value;
pub(crate) use variables::{Misspelt, check_address, strict, unknown};

use duyetbot::tools::rules::{Lists, Rules, Source as RuleSource};
use duyetbot_core::{Error, Result};
use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use crate::{args::Global, environment::Environment, home::Home};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The home's file.
    HomeFile,
    /// The project's file.
    ProjectFile,
    /// A variable.
    Variable(String),
    /// A flag.
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::HomeFile => f.write_str("the home's config.toml"),
            Source::ProjectFile => f.write_str("this project's .duyetbot/config.toml"),
            Source::Variable(name) => f.write_str(name),
            Source::Flag => f.write_str("a flag"),
        }
    }
}

/// All settings that are set, each with where it comes from.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    values: BTreeMap<&'static str, (Value, Source)>,
    /// What the model's calls are judged by.
    pub(crate) rules: Rules,
    /// The servers of the person.
    pub(crate) profiles: profiles::Profiles,
    /// What a person should know of the settings, for standard error.
    pub(crate) notices: Vec<String>,
}

impl Settings {
    /// Reads and merges all of them. An unknown or impossible one is an error that names it.
    pub(crate) fn read(home: &Home, environment: &Environment, flags: &Global) -> Result<Self> {
        let (settings, faults) = Settings::gather(home, environment, flags);
        faults.into_iter().next().map_or(Ok(settings), Err)
    }

    /// All that can be read of them, and everything that is wrong with the rest.
    pub(crate) fn gather(home: &Home, environment: &Environment, flags: &Global) -> (Self, Vec<Error>) {
        let (mut settings, mut faults) = (Settings::default(), Vec::new());
        let mut lists = Lists::default();
        for (key, value) in file::read(&home.config(), &mut faults) {
            if !value.is_empty() {
                settings.put(key, value, Source::HomeFile, &mut lists);
            }
        }
        let source = RuleSource::Home(home.config().display().to_string());
        settings.add_rules(&source, &lists, &mut faults);
        settings.profiles = profiles_of(&home.config(), &mut faults);
        if let Err(fault) = profiles::read_variables(&mut settings.profiles, environment) {
            faults.push(fault);
        }
        settings.read_project(home, environment, &mut faults);
        settings.read_variables(environment, &mut faults);
        settings.read_flags(flags, &mut faults);
        (settings, faults)
    }

    /// Takes a value. Rules are added to those of other sources, and noted in the lists of their own.
    fn put(&mut self, key: &'static Key, value: Value, source: Source, lists: &mut Lists) {
        let (Reach::Adding, Value::Texts(texts)) = (key.reach, &value) else {
            self.values.insert(key.name, (value, source));
            return;
        };
        let list = match key.name {
            "rules.allow" => &mut lists.allow,
            "rules.ask" => &mut lists.ask,
            _ => &mut lists.deny,
        };
        list.extend(texts.iter().cloned());
        let mut all = self.texts(key.name);
        all.extend(texts.iter().cloned());
        self.values.insert(key.name, (Value::Texts(all), source));
    }

    fn add_rules(&mut self, source: &RuleSource, lists: &Lists, faults: &mut Vec<Error>) {
        match self.rules.add(source, lists) {
            Ok(ignored) => self.notices.extend(ignored),
            Err(refused) => faults.push(Error::invalid(refused.to_string())),
        }
    }

    fn read_flags(&mut self, flags: &Global, faults: &mut Vec<Error>) {
        let mut lists = Lists::default();
        for (name, flag) in [("model", &flags.model), ("storage", &flags.storage)] {
            if let Some(flag) = flag {
                self.values.insert(name, (Value::Text(flag.clone()), Source::Flag));
            }
        }
        for (name, rules) in
            [("rules.allow", &flags.allow), ("rules.ask", &flags.ask), ("rules.deny", &flags.deny)]
        {
            if let Some(key) = find(name).filter(|_| !rules.is_empty()) {
                self.put(key, Value::Texts(rules.clone()), Source::Flag, &mut lists);
            }
        }
        self.add_rules(&RuleSource::Flags, &lists, faults);
    }

    fn read_project(&mut self, home: &Home, environment: &Environment, faults: &mut Vec<Error>) {
        let path = environment.folder.join(".duyetbot").join("config.toml");
        let same = |a: PathBuf, b: PathBuf| match (a.canonicalize(), b.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => false,
        };
        if same(path.clone(), home.config()) {
            return;
        }
        let mut ignored = Vec::new();
        let mut lists = Lists::default();
        for (key, value) in file::read(&path, faults) {
            if let ("rules.allow", Value::Texts(texts)) = (key.name, &value) {
                // Said, and without effect.
                lists.allow.clone_from(texts);
                continue;
            }
            if key.reach == Reach::Adding {
                self.put(key, value, Source::ProjectFile, &mut lists);
                continue;
            }
            if key.reach != Reach::Narrowing {
                ignored.push(key.name);
                continue;
            }
            let mine = self.values.get(key.name).map(|(mine, _)| mine.clone()).or_else(|| key.built_in());
            let narrower = mine.map_or(value.clone(), |mine| mine.narrower(&value));
            self.values.insert(key.name, (narrower, Source::ProjectFile));
        }
        if !profiles_of(&path, faults).is_empty() {
            ignored.push("profiles");
        }
        if !ignored.is_empty() {
            self.notices.push(format!(
                "{}: {} ignored, for a project's file can only narrow what you allow; set it in {}",
                path.display(),
                ignored.join(", "),
                home.config().display()
            ));
        }
        self.add_rules(&RuleSource::Project(path.display().to_string()), &lists, faults);
    }

    fn read_variables(&mut self, environment: &Environment, faults: &mut Vec<Error>) {
        let mut lists = Lists::default();
        for key in KEYS {
            let own = variable(key.name);
            for name in key.shared.into_iter().chain([own.as_str()]) {
                let Some(text) = environment.get(name) else { continue };
                let value = Value::parse(key.kind, &text);
                match value.and_then(|value| key.check(&value).map(|()| value)) {
                    Ok(value) => self.put(key, value, Source::Variable(name.to_owned()), &mut lists),
                    Err(what) => faults.push(Error::invalid(format!("{name}: {what}"))),
                }
            }
        }
        self.add_rules(&RuleSource::Environment, &lists, faults);
    }

    /// A value and where it comes from.
    pub(crate) fn get(&self, name: &str) -> Option<&(Value, Source)> {
        self.values.get(name)
    }
    /// Words.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        match self.get(name) {
            Some((Value::Text(text), _)) => Some(text.clone()),
            _ => None,
        }
    }
    /// A list of words.
    pub(crate) fn texts(&self, name: &str) -> Vec<String> {
        match self.get(name) {
            Some((Value::Texts(texts), _)) => texts.clone(),
            _ => Vec::new(),
        }
    }
    /// A number; none where it is not set or 0.
    pub(crate) fn number(&self, name: &str) -> Option<u64> {
        match self.get(name) {
            Some((Value::Number(n), _)) if *n > 0 => Some(*n),
            _ => None,
        }
    }
    /// An amount; none where it is not set or 0.
    pub(crate) fn amount(&self, name: &str) -> Option<f64> {
        match self.get(name) {
            Some((Value::Amount(n), _)) if *n > 0.0 => Some(*n),
            _ => None,
        }
    }
    /// A switch, on unless it is off.
    pub(crate) fn on(&self, name: &str) -> bool {
        !matches!(self.get(name), Some((Value::Switch(false), _)))
    }
}

/// The profiles of a file. That it cannot be read as a whole was said already.
fn profiles_of(path: &Path, faults: &mut Vec<Error>) -> profiles::Profiles {
    profiles::read(path).unwrap_or_else(|fault| {
        if faults.iter().all(|known| known.message() != fault.message()) {
            faults.push(fault);
        }
        profiles::Profiles::new()
    })
}

//! Profiles: the servers of a person by name, `[profiles.NAME]` in the home's file.
use duyetbot_core::{Error, Result};
use std::{collections::BTreeMap, path::Path};
use toml_edit::TableLike;

use super::{
    file::{change, document},
    keys::Kind,
    value::Value,
};
use crate::environment::Environment;

/// The profile that is meant where none is named.
pub(crate) const DEFAULT: &str = "default";
/// The table that they stand in.
const TABLE: &str = "profiles";
/// What a variable of theirs begins with.
const VARIABLE: &str = "DUYETBOT_PROFILES__";
/// Characters of a name.
const LONGEST: usize = 64;

/// A server, and how it is used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    /// Where it is.
    pub(crate) url: Option<String>,
    /// Commands go there without being told to.
    pub(crate) remote: bool,
    /// Its token may go there over plain HTTP.
    pub(crate) plain_http: bool,
}

/// Profiles by name.
pub(crate) type Profiles = BTreeMap<String, Profile>;

const FIELDS: [(&str, Kind); 3] =
    [("url", Kind::Text), ("remote", Kind::Switch), ("plain_http", Kind::Switch)];

/// A setting of a profile: the profile's name, and the field.
pub(crate) fn field_of(key: &str) -> Option<(&str, &'static str, Kind)> {
    let (name, field) = key.strip_prefix(TABLE)?.strip_prefix('.')?.rsplit_once('.')?;
    let (field, kind) = FIELDS.into_iter().find(|(known, _)| *known == field)?;
    is_name(name).then_some((name, field, kind))
}

/// Refuses what cannot be the name of a profile.
pub(crate) fn check_name(name: &str) -> Result<()> {
    if is_name(name) {
        return Ok(());
    }
    let words = "a profile's name has lower-case letters, digits, - and _ only, for example work";
    Err(Error::invalid(format!("{words}; this is {name:?}")))
}

fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
    !name.is_empty() && name.len() <= LONGEST && name.chars().all(fits)
}

/// The profiles of a file; none where there is no file.
pub(super) fn read(path: &Path) -> Result<Profiles> {
    let mut profiles = Profiles::new();
    let Some(document) = document(path)? else { return Ok(profiles) };
    let Some(item) = document.as_table().get(TABLE) else { return Ok(profiles) };
    let say = |what: String| Error::invalid(format!("{}: {what}", path.display()));
    let tables = item.as_table_like().ok_or_else(|| say(format!("{TABLE} must be a table of tables")))?;
    for (name, item) in tables.iter() {
        check_name(name)?;
        let fields = item.as_table_like().ok_or_else(|| say(format!("{TABLE}.{name} must be a table")))?;
        let profile = profiles.entry(name.to_owned()).or_default();
        read_fields(profile, fields).map_err(|what| say(format!("{TABLE}.{name}.{what}")))?;
    }
    Ok(profiles)
}

fn read_fields(profile: &mut Profile, fields: &dyn TableLike) -> std::result::Result<(), String> {
    for (field, item) in fields.iter() {
        let known = FIELDS.into_iter().find(|(known, _)| *known == field);
        let (field, kind) = known
            .ok_or_else(|| format!("{field} is no setting; a profile has url, remote and plain_http"))?;
        put(profile, field, Value::of(kind, item).map_err(|what| format!("{field} {what}"))?);
    }
    Ok(())
}

fn put(profile: &mut Profile, field: &str, value: Value) {
    match (field, value) {
        ("url", Value::Text(url)) => profile.url = Some(url).filter(|url| !url.is_empty()),
        ("remote", Value::Switch(on)) => profile.remote = on,
        ("plain_http", Value::Switch(on)) => profile.plain_http = on,
        _ => {}
    }
}

/// Takes what variables say: `DUYETBOT_PROFILES__WORK__URL` is `profiles.work.url`.
pub(super) fn read_variables(profiles: &mut Profiles, environment: &Environment) -> Result<()> {
    for (name, text) in environment.beginning(VARIABLE) {
        let Some((profile, field, kind)) = of_variable(name) else { continue };
        let value = Value::parse(kind, text).map_err(|what| Error::invalid(format!("{name}: {what}")))?;
        put(profiles.entry(profile).or_default(), field, value);
    }
    Ok(())
}

/// Is it the variable of a profile's setting?
pub(super) fn is_variable(name: &str) -> bool {
    of_variable(name).is_some()
}

fn of_variable(name: &str) -> Option<(String, &'static str, Kind)> {
    let key = format!("{TABLE}.{}", name.strip_prefix(VARIABLE)?.to_lowercase().replace("__", "."));
    let (profile, field, kind) = field_of(&key)?;
    Some((profile.to_owned(), field, kind))
}

/// Writes one setting of a profile, whatever other processes write at the same time.
pub(crate) fn set_in_profile(path: &Path, profile: &str, field: &'static str, value: &Value) -> Result<()> {
    check_name(profile)?;
    change(path, &format!("{TABLE}.{profile}.{field}"), |item| {
        *item = toml_edit::Item::Value(value.written());
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_comes_from_the_file_and_variables_say_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        std::fs::write(
            &path,
            "model = \"recall\"\n[profiles.work]\nurl = \"https://a.example\"\nremote = true\n",
        )
        .unwrap();
        let mut profiles = read(&path).unwrap();
        let variables = [
            ("DUYETBOT_PROFILES__WORK__PLAIN_HTTP", "1"),
            ("DUYETBOT_PROFILES__HOME__URL", "https://b.example"),
        ];
        read_variables(&mut profiles, &Environment::of(variables, folder.path())).unwrap();
        let work = Profile { url: Some("https://a.example".into()), remote: true, plain_http: true };
        let home = Profile { url: Some("https://b.example".into()), ..Profile::default() };
        assert_eq!(profiles, Profiles::from([("home".into(), home), ("work".into(), work)]));
    }

    #[test]
    fn what_is_no_profile_is_refused_with_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        for text in [
            "profiles = 1",
            "[profiles]\nwork = 1",
            "[profiles.work]\ntoken = \"x\"",
            "[profiles.work]\nremote = 3",
            "[profiles.\"a b\"]\n",
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(read(&path).is_err(), "{text}");
        }
        assert_eq!(
            field_of("profiles.work.url").map(|(name, field, _)| (name, field)),
            Some(("work", "url"))
        );
        for key in ["profiles.work", "profiles.work.token", "profiles..url", "profile", "profiles.A.url"] {
            assert!(field_of(key).is_none(), "{key}");
        }
    }
}

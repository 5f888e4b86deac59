//! `Dockerfile` and `compose.yaml`: what they build, start, ask and publish.
use crate::{drain, file, folder, time, variables::are_known};

const PROBE: &str = r#"["duyetbot", "serve", "--ready"]"#;
/// The program's home in a container.
const HOME: &str = "/var/lib/duyetbot";

/// The instructions of the Dockerfile, each with its continued lines in one.
fn instructions() -> Vec<(String, String)> {
    let text = file("Dockerfile");
    let whole: String =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect();
    let whole = whole.replace("\\\n", " ");
    let lines = whole.lines().filter(|line| !line.trim().is_empty());
    let pair = |line: &str| line.split_once(' ').map(|(a, b)| (a.to_owned(), b.trim().to_owned())).unwrap();
    lines.map(pair).collect()
}

fn all(name: &str) -> Vec<String> {
    instructions().into_iter().filter(|(own, _)| own == name).map(|(_, rest)| rest).collect()
}

#[track_caller]
fn one(name: &str) -> String {
    let mut found = all(name);
    assert_eq!(found.len(), 1, "{name}: {found:?}");
    found.remove(0)
}

fn root_file(name: &str) -> String {
    std::fs::read_to_string(folder().join("..").join(name)).unwrap()
}

fn environment() -> Vec<(String, String)> {
    let pair =
        |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned())).unwrap();
    one("ENV").split_whitespace().map(pair).collect()
}

#[test]
fn the_image_is_built_by_the_oldest_rust_that_will_do_from_pinned_images() {
    let oldest = root_file("Cargo.toml");
    let oldest = oldest.split_once("rust-version = \"").unwrap().1.split('"').next().unwrap().to_owned();
    let images = all("FROM");
    assert_eq!(images.len(), 2);
    assert!(
        images[0].starts_with(&format!("rust:{oldest}.")) && images[0].ends_with(" AS build"),
        "{images:?}"
    );
    for image in &images {
        let (_, tag) = image.split_whitespace().next().unwrap().split_once(':').unwrap();
        assert!(tag.matches('.').count() >= 1 && tag.starts_with(|c: char| c.is_ascii_digit()), "{image}");
    }
    let build = all("RUN").into_iter().find(|run| run.starts_with("cargo ")).unwrap();
    assert_eq!(build, format!("cargo build --locked --release -p {}", env!("CARGO_PKG_NAME")));
    let copied = all("COPY").into_iter().find(|copy| copy.starts_with("--from=build ")).unwrap();
    assert_eq!(copied, "--from=build /src/target/release/duyetbot /usr/local/bin/duyetbot");
}

#[test]
fn the_image_serves_as_a_user_without_rights_and_is_asked_by_the_program_itself() {
    let user = one("USER");
    let id: u32 = user.split(':').next().unwrap().parse().unwrap();
    assert!(id >= 1000 && all("RUN")[1].contains(&format!("--uid {id} ")), "{user}");
    assert_eq!((one("ENTRYPOINT").as_str(), one("CMD").as_str()), (r#"["duyetbot"]"#, r#"["serve"]"#));
    assert!(one("HEALTHCHECK").ends_with(&format!(" CMD {PROBE}")));
    assert_eq!(one("STOPSIGNAL"), "SIGTERM");
    let variables = environment();
    are_known(&variables);
    let value = |name: &str| variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str());
    assert_eq!((value("DUYETBOT_HOME"), one("VOLUME").as_str()), (Some(HOME), HOME));
    let port = one("EXPOSE");
    assert_eq!(value("DUYETBOT_SERVE__LISTEN"), Some(format!("0.0.0.0:{port}").as_str()));
    assert!(instructions().iter().all(|(_, rest)| !rest.contains("SECRET") && !rest.contains("TOKEN")));
}

#[test]
fn the_build_sees_every_member_of_the_workspace_and_nobodys_settings() {
    let ignored = file("Dockerfile.dockerignore");
    let lines: Vec<&str> = ignored.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(lines[0], "*", "what is not named stays out");
    let manifest = root_file("Cargo.toml");
    let members = manifest.split_once("members = [").unwrap().1.split_once(']').unwrap().0;
    let tops = members.split('"').skip(1).step_by(2).map(|member| member.split('/').next().unwrap());
    for needed in tops.chain(["Cargo.toml", "Cargo.lock"]) {
        assert!(lines.contains(&format!("!{needed}").as_str()), "{needed}");
    }
    assert!(lines.ends_with(&["**/target", "**/*.env"]) && !lines.contains(&"!deploy"));
}

/// The scalars of `compose.yaml`, each by the names and numbers on the way to it. What this does not understand is a panic.
fn compose() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut path: Vec<String> = Vec::new();
    let mut items = 0;
    for line in file("compose.yaml").lines() {
        let text = line.trim_start();
        if text.is_empty() || text.starts_with('#') {
            continue;
        }
        let blanks = line.len() - text.len();
        assert!(blanks % 2 == 0 && !line.contains('\t'), "{line:?}");
        let (plain, depth) = (text.trim_end(), blanks / 2);
        if let Some(item) = plain.strip_prefix("- ") {
            assert_eq!(depth, path.len(), "{line:?}");
            found.push((format!("{}.{items}", path.join(".")), unquoted(item)));
            items += 1;
            continue;
        }
        items = 0;
        assert!(depth <= path.len(), "{line:?}");
        path.truncate(depth);
        let (name, value) = plain.split_once(':').unwrap_or_else(|| panic!("{line:?}"));
        assert!(value.is_empty() || value.starts_with(' '), "{line:?}");
        path.push(name.to_owned());
        if !value.is_empty() {
            found.push((path.join("."), unquoted(value.trim())));
            path.pop();
        }
    }
    found
}

fn unquoted(text: &str) -> String {
    text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(text).to_owned()
}

#[test]
fn compose_builds_this_image_keeps_its_folder_and_publishes_it_on_loopback_alone() {
    let compose = compose();
    let value = |path: &str| {
        let path = format!("services.duyetbot.{path}");
        compose.iter().find(|(own, _)| *own == path).map(|(_, value)| value.as_str())
    };
    let built = folder().join(value("build.context").unwrap()).join(value("build.dockerfile").unwrap());
    assert_eq!(built.canonicalize().unwrap(), folder().join("Dockerfile").canonicalize().unwrap());
    let port = one("EXPOSE");
    assert_eq!(value("ports.0"), Some(format!("127.0.0.1:{port}:{port}").as_str()));
    assert_eq!((value("volumes.0"), value("volumes.1")), (Some(format!("home:{HOME}").as_str()), None));
    assert!(file("compose.yaml").ends_with("\nvolumes:\n  home:\n"));
    assert!(folder().join(format!("{}.example", value("env_file.0").unwrap())).is_file());
    let ours = |(path, value): &(String, String)| {
        let name = path.strip_prefix("services.duyetbot.environment.")?;
        Some((name.to_owned(), value.clone()))
    };
    let variables: Vec<_> = compose.iter().filter_map(ours).collect();
    assert_eq!(variables.len(), 1);
    are_known(&variables);
    assert_eq!(variables[0].1, format!("0.0.0.0:{port}"));
}

#[test]
fn compose_asks_the_program_whether_it_can_serve_gives_a_stop_its_time_and_grants_nothing() {
    let compose = compose();
    let value = |path: &str| {
        let path = format!("services.duyetbot.{path}");
        compose.iter().find(|(own, _)| *own == path).map_or("", |(_, value)| value.as_str())
    };
    assert_eq!(value("healthcheck.test"), PROBE.replace('[', r#"["CMD", "#));
    assert!(time(value("stop_grace_period")) > drain() && time(value("healthcheck.timeout")) > time("5s"));
    let granted = ["read_only", "cap_drop.0", "security_opt.0", "init"].map(value);
    assert_eq!(granted, ["true", "ALL", "no-new-privileges:true", "true"]);
    assert!(compose.iter().all(|(path, _)| !path.contains("privileged") && !path.contains("cap_add")));
}

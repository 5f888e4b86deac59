//! A home that is missing, wrong or somebody else's.
use std::{
    fs::{self, Permissions},
    os::unix::{
        ffi::OsStrExt,
        fs::{MetadataExt, PermissionsExt, chown, symlink},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};
use tempfile::TempDir;

use crate::person::{Ended, Person, end, skipped};

/// A user id that no machine gives to anybody.
const NOBODY: u32 = 54_321;

/// A user without rights, in a world of their own. Root may write everywhere, so root plays another user there.
struct User {
    world: TempDir,
    root: bool,
}

impl User {
    fn new() -> Self {
        let user = User { world: TempDir::new().unwrap(), root: rustix::process::geteuid().is_root() };
        fs::set_permissions(user.world.path(), Permissions::from_mode(0o755)).unwrap();
        for folder in ["bin", "home", "work"] {
            fs::create_dir(user.path(folder)).unwrap();
        }
        user.own("home");
        user.own("work");
        // Where the tests are built may be closed to other users. A process of its own copies: a file that this one had open
        // for writing could not be run while any child that another test is just beginning still holds it.
        let mut copy = Command::new("cp");
        copy.arg(env!("CARGO_BIN_EXE_duyetbot")).arg(user.path("bin/duyetbot"));
        assert!(copy.status().unwrap().success());
        user
    }

    fn path(&self, name: &str) -> PathBuf {
        self.world.path().join(name)
    }

    fn own(&self, name: &str) {
        if self.root {
            chown(self.path(name), Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(self.path("bin/duyetbot"));
        command.args(args).env_clear().env("HOME", self.path("home")).current_dir(self.path("work"));
        if self.root {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn ask(&self) -> Ended {
        end(&mut self.command(&["ask", "hi"]))
    }
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).unwrap().next().is_none()
}

/// Case: no-usable-home
#[test]
fn a_home_that_names_no_folder_is_refused_and_nothing_is_made_in_the_working_folder() {
    let person = Person::new();
    let missing = person.home.path().join("nobody");
    let ask = |home: Option<&str>| {
        let mut command = person.command(&["ask", "hi"]);
        command.env_remove("DUYETBOT_HOME").env("XDG_DATA_HOME", "data").env("XDG_CONFIG_HOME", "/nowhere");
        if let Some(home) = home {
            command.env("HOME", home);
        }
        end(&mut command)
    };
    let hint = "; set DUYETBOT_HOME to the folder to use";
    for home in [None, Some("")] {
        assert_eq!(ask(home).refused(2), format!("there is no HOME{hint}"));
    }
    assert_eq!(
        ask(Some("relative/dir")).refused(2),
        format!("HOME must be an absolute path, it is \"relative/dir\"{hint}")
    );
    let not_there = format!("HOME is {}, which is no folder{hint}", missing.display());
    assert_eq!(ask(missing.to_str()).refused(2), not_there);
    assert!(!missing.exists());
    let own = end(person.command(&["ask", "hi"]).env("DUYETBOT_HOME", "here"));
    assert_eq!(own.refused(2), "DUYETBOT_HOME must be an absolute path, it is \"here\"");
    assert!(is_empty(person.folder.path()), "something was made in the working folder");
}

/// Case: no-usable-home
#[test]
fn a_home_that_may_not_be_written_is_refused_with_its_path() {
    let user = User::new();
    fs::set_permissions(user.path("home"), Permissions::from_mode(0o555)).unwrap();
    let sentence = format!(
        "cannot make {}: it may not be written; set DUYETBOT_HOME to a folder of yours",
        user.path("home/.duyetbot").display()
    );
    assert_eq!(user.ask().refused(1), sentence);
    if user.root {
        // Somebody else's.
        chown(user.path("home"), Some(0), Some(0)).unwrap();
        fs::set_permissions(user.path("home"), Permissions::from_mode(0o755)).unwrap();
        assert_eq!(user.ask().refused(1), sentence);
    }
    assert!(is_empty(&user.path("home")) && is_empty(&user.path("work")));
    let given = end(user.command(&["ask", "hi"]).env("DUYETBOT_HOME", user.path("work/own")));
    assert_eq!(given.code, Some(0), "{given:?}");
}

/// Case: no-usable-home
#[test]
fn a_user_without_an_entry_has_files_of_their_own_under_any_umask() {
    let user = User::new();
    let mut command = Command::new("sh");
    command.args(["-c", "umask 000; exec \"$0\" ask hi"]).arg(user.path("bin/duyetbot"));
    command.env_clear().env("HOME", user.path("home")).current_dir(user.path("work"));
    if user.root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let ended = end(&mut command);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let home = user.path("home/.duyetbot");
    assert_eq!(fs::metadata(&home).unwrap().permissions().mode() & 0o777, 0o700);
    for entry in fs::read_dir(&home).unwrap() {
        let path = entry.unwrap().path();
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600, "{}", path.display());
        assert_eq!(metadata.uid(), fs::metadata(user.path("home")).unwrap().uid());
    }
    assert!(is_empty(&user.path("work")));
}

/// Case: no-usable-home
#[test]
fn files_that_root_left_in_a_users_home_are_named() {
    let user = User::new();
    if !user.root {
        skipped("only root can leave root's files");
        return;
    }
    let first =
        end(Command::new(user.path("bin/duyetbot")).args(["ask", "hi"]).env("HOME", user.path("home")));
    assert_eq!(first.code, Some(0), "{first:?}");
    let home = user.path("home/.duyetbot");
    assert_eq!(
        user.ask().refused(1),
        format!(
            "cannot read {}: it may not be read; see whose it is, or set DUYETBOT_HOME to a folder of yours",
            home.join("config.toml").display()
        )
    );
    // The folder given to the user, and the files still root's.
    user.own("home/.duyetbot");
    let database = home.join("duyetbot.db");
    assert_eq!(
        user.ask().refused(1),
        format!(
            "{} cannot be written; make the file and its folder writable, or name another file",
            database.display()
        )
    );
}

/// Case: no-usable-home
#[test]
fn settings_that_are_a_broken_link_are_named() {
    let user = User::new();
    let home = user.path("home/.duyetbot");
    assert_eq!(user.ask().code, Some(0));
    symlink("/nowhere/config.toml", home.join("config.toml")).unwrap();
    assert_eq!(
        user.ask().refused(1),
        format!("cannot read {}: it is not there", home.join("config.toml").display())
    );
    fs::remove_dir_all(&home).unwrap();
    symlink("/nowhere/home", &home).unwrap();
    let sentence = format!("{} is not a folder; move it away or set DUYETBOT_HOME", home.display());
    assert_eq!(user.ask().refused(2), sentence);
}

/// Case: no-usable-home
#[test]
fn a_home_that_is_not_valid_text_is_refused_and_no_other_is_used_in_its_place() {
    let person = Person::new();
    let usual = TempDir::new().unwrap();
    let odd = std::ffi::OsStr::from_bytes(b"/tmp/home-\xff");
    let ended = end(person.command(&["ask", "hi"]).env("DUYETBOT_HOME", odd).env("HOME", usual.path()));
    assert_eq!(ended.refused(2), "DUYETBOT_HOME is not valid UTF-8; give it another value");
    assert!(is_empty(usual.path()), "another home was used");
    let other = end(person.command(&["sessions", "new", "x"]).env("SOMETHING", odd));
    assert_eq!(other.code, Some(0), "{other:?}");
}

//! Copies of a database that is in use, and what becomes of them where they take its place.
use rustix::process::Signal;
use serde_json::Value;
use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    disks::Disk,
    newer::{change, files},
    person::{Person, end, text},
    served::Served,
};

fn database(person: &Person) -> PathBuf {
    person.home.path().join("home/duyetbot.db")
}

/// The ids of all sessions.
fn ids(person: &Person) -> BTreeSet<String> {
    let id = |session: &Value| session["id"].as_str().unwrap().to_owned();
    person.sessions().iter().map(id).collect()
}

/// A server without limits, and two who write to it as fast as it answers; what was acknowledged is noted.
struct Busy {
    served: Arc<Served>,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    stop: Arc<AtomicBool>,
    writers: Vec<thread::JoinHandle<()>>,
}

impl Busy {
    fn new(person: &Person) -> Self {
        let mut command = person.command(&["serve", "--listen", "127.0.0.1:0", "--model", "recall"]);
        command.env("DUYETBOT_LIMITS__REQUESTS_PER_MINUTE", "0").env("DUYETBOT_LIMITS__SESSIONS", "0");
        let served = Arc::new(Served::start(command));
        let (acknowledged, stop) = (Arc::default(), Arc::new(AtomicBool::new(false)));
        let writer = || {
            let (served, stop) = (Arc::clone(&served), Arc::clone(&stop));
            let noted: Arc<Mutex<BTreeSet<String>>> = Arc::clone(&acknowledged);
            thread::spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let made = served.json("POST /sessions", r#"{"title":"one more"}"#);
                    noted.lock().unwrap().insert(made["id"].as_str().unwrap().to_owned());
                }
            })
        };
        let writers = vec![writer(), writer()];
        Busy { served, acknowledged, stop, writers }
    }

    /// Waits until so many more were written.
    fn more(&self, n: usize) -> BTreeSet<String> {
        let begin = self.acknowledged.lock().unwrap().len();
        loop {
            let now = self.acknowledged.lock().unwrap().clone();
            if now.len() >= begin + n {
                return now;
            }
            thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn end(self) {
        self.stop.store(true, Ordering::SeqCst);
        self.writers.into_iter().for_each(|writer| writer.join().unwrap());
        Arc::into_inner(self.served).unwrap().end(Signal::TERM);
    }
}

/// Case: backup-without-the-log-file
#[test]
fn a_backup_of_a_database_that_is_written_to_holds_all_that_was_acknowledged_before_it_began() {
    let person = Person::new();
    let busy = Busy::new(&person);
    let mut backups = Vec::new();
    for n in 0..6 {
        let before = busy.more(20);
        let name = format!("backup-{n}.db");
        let made = person.run(&["backup", &name]).done();
        assert_eq!(made, format!("{name} is whole and sound; it has schema 3\n"));
        backups.push((person.folder.path().join(name), before));
    }
    let last = busy.more(20);
    // What another database leaves behind whose server was killed.
    let sides = ["-wal", "-shm"]
        .map(|side| (side, fs::read(format!("{}{side}", database(&person).display())).unwrap()));
    busy.end();
    let mut sizes = BTreeSet::new();
    for (n, (backup, before)) in backups.iter().enumerate() {
        let other = Person::new();
        if n % 2 == 1 {
            fs::create_dir(other.home.path().join("home")).unwrap();
            for (side, bytes) in &sides {
                fs::write(format!("{}{side}", database(&other).display()), bytes).unwrap();
            }
        }
        other.run(&["restore", text(backup)]).done();
        let restored = ids(&other);
        assert!(restored.is_superset(before), "{} of {}", restored.len(), before.len());
        assert!(restored.len() < last.len(), "what came later is not in it");
        sizes.insert(restored.len());
        let doctor = other.run(&["doctor"]).out;
        assert!(doctor.contains("duyetbot.db is sound"), "{doctor}");
    }
    assert_eq!(sizes.len(), backups.len(), "it was written to between any two");
    let mut left: Vec<String> = files(&backups[0].0).into_iter().map(|(name, _)| name).collect();
    left.retain(|name| !name.starts_with("backup-") || !name.ends_with(".db"));
    assert_eq!(left, Vec::<String>::new());
}

/// Case: backup-without-the-log-file
#[test]
fn a_backup_that_cannot_be_made_leaves_no_file_of_its_name() {
    let Some(disk) = Disk::new("size=4m") else { return };
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let copy = disk.path("backup.db");
    disk.fill();
    let refused = person.run(&["backup", text(&copy)]);
    assert!(refused.refused(1).contains("is full"), "{refused:?}");
    assert!(!copy.exists());
    let left: Vec<_> = fs::read_dir(disk.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["ballast"]);
    disk.make_room();
    person.run(&["backup", text(&copy)]).done();

    let before = fs::read(&copy).unwrap();
    let again = person.run(&["backup", text(&copy)]);
    assert!(again.refused(1).contains("is there already"), "{again:?}");
    assert!(fs::read(&copy).unwrap() == before);
    let nowhere = disk.path("no/such/folder/backup.db");
    assert_eq!(person.run(&["backup", text(&nowhere)]).code, Some(1));
    let nothing = Person::new();
    let refused = nothing.run(&["backup", text(&disk.path("other.db"))]);
    assert!(refused.code == Some(1) && !disk.path("other.db").exists(), "{refused:?}");
}

/// Case: backup-without-the-log-file
#[test]
fn a_backup_that_is_no_good_is_not_restored_and_what_stands_there_stays() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let good = person.folder.path().join("good.db");
    person.run(&["backup", text(&good)]).done();
    let before = files(&database(&person));
    let newer = person.file("newer.db", fs::read(&good).unwrap());
    change(&newer, "update meta set version = 9, min_reader = 8; pragma user_version = 9;");
    let other = person.folder.path().join("other.db");
    change(&other, "create table t(x);");
    let mut broken = fs::read(&good).unwrap();
    let middle = broken.len() / 2;
    broken[middle..].fill(0xa5);
    let cut = person.file("cut.db", &fs::read(&good).unwrap()[..8192]);
    for (backup, why) in [
        (newer, "was written by a newer duyetbot: it has schema 9"),
        (other, "is a database of another program"),
        (person.file("text.db", "no database"), "is not a database"),
        (person.file("empty.db", ""), "there is nothing in"),
        (person.file("broken.db", broken), "damaged"),
        (cut, "damaged"),
        (person.folder.path().join("gone.db"), "gone.db"),
        (database(&person), "is the database itself"),
    ] {
        let refused = person.run(&["restore", text(&backup)]);
        assert!(refused.code != Some(0) && refused.out.is_empty(), "{}: {refused:?}", backup.display());
        assert!(refused.sentence().contains(why), "{}: {refused:?}", backup.display());
        assert!(files(&database(&person)) == before, "{} changed something", backup.display());
    }
}

#[test]
fn a_database_that_is_in_use_is_not_replaced() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let backup = person.folder.path().join("backup.db");
    person.run(&["backup", text(&backup)]).done();
    let served = Served::start(person.command(&["serve", "--listen", "127.0.0.1:0", "--model", "recall"]));
    served.json("POST /sessions", r#"{"title":"later"}"#);
    let refused = person.run(&["restore", text(&backup)]);
    assert!(refused.refused(1).contains("is in use; stop the server"), "{refused:?}");
    served.json("POST /sessions", r#"{"title":"later still"}"#);
    served.end(Signal::TERM);
    assert_eq!(ids(&person).len(), 3);
    person.run(&["restore", text(&backup)]).done();
    assert_eq!(ids(&person).len(), 1);
}

/// Case: backup-without-the-log-file
#[test]
fn who_was_erased_since_the_backup_is_erased_in_it_and_what_stood_there_is_kept() {
    let person = Person::new();
    let add = |email: &str| {
        let added = person.json(&["users", "add", email]);
        (added["id"].as_str().unwrap().to_owned(), added["token"].as_str().unwrap().to_owned())
    };
    let serve = || {
        let mut command = person.command(&["serve", "--listen", "127.0.0.1:0", "--model", "recall"]);
        command.env("JWT_SECRET", "0123456789abcdef0123456789abcdef");
        Served::start(command)
    };
    let ((ada, adas), (_, bobs)) = (add("ada@example.org"), add("bob@example.org"));
    let served = serve();
    for (token, words) in [(&adas, "the badger sleeps"), (&bobs, "the heron wakes")] {
        let said =
            served.ask("POST /agent/chat", token, &format!(r#"{{"message":"{words}","stream":false}}"#));
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    }
    let backup = person.folder.path().join("backup.db");
    person.run(&["backup", text(&backup)]).done();
    served.end(Signal::TERM);
    person.run(&["users", "rm", &ada]).done();
    let (carl, _) = add("carl@example.org");
    person.run(&["users", "rm", &carl]).done();

    let out = person.run(&["restore", text(&backup)]).done();
    assert!(out.contains("1 who were erased since are erased again\n"), "{out}");
    let replaced = database(&person).with_extension("db.replaced-1");
    assert!(out.contains(&format!("what stood there is {}", replaced.display())), "{out}");
    assert!(holds(&backup, "badger"), "the backup itself is as it was");
    let present = database(&person);
    assert!(!holds(&present, "badger") && holds(&present, "heron"));
    let users = person.run(&["users", "ls"]).done();
    assert!(!users.contains("ada@") && users.contains("bob@"), "{users}");
    let served = serve();
    assert!(served.ask("GET /users/me", &adas, "").starts_with("HTTP/1.1 401 "));
    let found = served.ask("GET /search?q=heron", &bobs, "");
    assert!(found.starts_with("HTTP/1.1 200 ") && found.contains("heron"), "{found}");
    served.end(Signal::TERM);
    // What was erased before any backup knew of it is on the list too.
    let list = "import sqlite3, sys\nprint(*[r[0] for r in sqlite3.connect(sys.argv[1]).execute('select id from erased_users')])";
    let listed = std::process::Command::new("python3").args(["-c", list]).arg(&present).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(listed.contains(&ada) && listed.contains(&carl), "{listed}");
}

/// Whether these words stand in a file, its log included.
fn holds(path: &Path, words: &str) -> bool {
    let read = |path: PathBuf| fs::read(path).unwrap_or_default();
    let bytes = [read(path.to_owned()), read(format!("{}-wal", path.display()).into())].concat();
    bytes.windows(words.len()).any(|window| window == words.as_bytes())
}

#[test]
fn a_damaged_database_makes_room_for_its_backup() {
    let person = Person::new();
    person.run(&["ask", "The spare key hangs behind the blue door."]).done();
    let backup = person.folder.path().join("backup.db");
    person.run(&["backup", text(&backup)]).done();
    fs::write(database(&person), "no database any more").unwrap();
    let restored = end(&mut person.command(&["restore", text(&backup)])).well();
    assert!(restored.err.contains("cannot be read; who was erased in it"), "{restored:?}");
    assert_eq!(ids(&person).len(), 1);
    assert_eq!(fs::read(database(&person).with_extension("db.replaced-1")).unwrap(), b"no database any more");
}

//! What lies in the bin is erased when its time is over.
use duyetbot::{
    Duyetbot,
    core::{Change, SettableClock, Timestamp},
};
use std::{fs, sync::Arc, time::Duration};

use crate::person::Person;

/// A session of this title that was begun and put into the bin so many days ago.
fn binned(person: &Person, title: &str, days: u64) {
    let now = std::process::Command::new("date").arg("+%s").output().unwrap().stdout;
    let now: i64 = String::from_utf8(now).unwrap().trim().parse().unwrap();
    let then = Timestamp(now * 1000).minus(Duration::from_secs(days * 24 * 3600));
    let url = format!("sqlite:{}", person.home.path().join("home/duyetbot.db").display());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let clock = Arc::new(SettableClock::new(then));
        let bot = Duyetbot::builder().storage(&url).clock(clock).open().await.unwrap();
        let reply = bot.ask(title).await.unwrap();
        bot.store().set(bot.scope(), reply.session, &Change::Delete).await.unwrap();
        bot.close().await.unwrap();
    });
}

#[test]
fn a_turn_erases_what_lay_in_the_bin_for_thirty_days_and_looks_once_a_day() {
    let person = Person::new();
    person.run(&["sessions", "new"]).done();
    binned(&person, "old", 31);
    binned(&person, "young", 29);
    let bin = || {
        let list = person.json(&["sessions", "ls", "--deleted"]);
        list.as_array().unwrap().iter().map(|s| s["title"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(bin().len(), 2);
    person.run(&["ask", "hi"]).done();
    assert_eq!(bin(), ["young"]);
    binned(&person, "later", 31);
    person.run(&["ask", "hi"]).done();
    assert_eq!(bin().len(), 2, "it looked twice in a day");
    let mark = person.home.path().join("home/swept");
    fs::write(&mark, fs::read_to_string(&mark).unwrap().replacen("20", "19", 1)).unwrap();
    person.run(&["ask", "hi"]).done();
    assert_eq!(bin(), ["young"]);
}

//! Once a day, after a turn: what lay in the bin for its time is erased, and what nothing names any more.
use std::fs;

use crate::app::App;

/// Sweeps the store where that was not done today. A failure is told and changes nothing: the next turn tries again.
pub(crate) async fn sweep(app: &App) {
    if app.bot.local().is_none() {
        return;
    }
    let mark = app.home.path().join("swept");
    let today = format!("{} {}\n", app.bot.now().date(), app.storage);
    if fs::read_to_string(&mark).is_ok_and(|last| last == today) {
        return;
    }
    match app.bot.sweep().await {
        // Without the mark, which a home that is not there cannot hold, the next turn sweeps once more.
        Ok(_) => drop(fs::write(&mark, today)),
        Err(error) => {
            app.output
                .notice(&format!("what lay in the bin for 30 days was not erased: {}", error.message()));
        }
    }
}

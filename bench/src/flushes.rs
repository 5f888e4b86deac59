//! Counts flushes to the disk as the kernel sees them: this program once more, only committing, under `strace`.
use std::{
    collections::BTreeMap,
    path::Path,
    process::{Command, Stdio},
};

use crate::{Result, commits, report::Table};

pub(crate) fn measure(commits: usize) -> Result<Table> {
    let mut table = Table::new(
        "Flushes to the disk, counted by strace (fsync and fdatasync)",
        &["callers at once", "commits", "of the log", "of the database", "of the folder", "a commit"],
    );
    for callers in [1, 8, 64] {
        let commits = if callers == 1 { commits / 6 } else { commits };
        let Some(counted) = count(callers, commits)? else {
            table.note("strace is not here, so nothing was counted.");
            break;
        };
        let all = counted.values().sum::<u32>();
        let each = f64::from(all) / commits as f64;
        let verdict = match commits::most_flushes(callers) {
            Some(most) => {
                format!("{each:.3} (≤ {most}: {})", if each <= most { "met" } else { "MISSED" })
            }
            None => format!("{each:.3}"),
        };
        let of = |kind| counted.get(&kind).copied().unwrap_or_default().to_string();
        table.row([
            callers.to_string(),
            commits.to_string(),
            of(Flushed::Log),
            of(Flushed::Database),
            of(Flushed::Folder),
            verdict,
        ]);
    }
    table.note("The log is flushed once a group, the database and the log once more at each checkpoint (about every 1,000 pages),");
    table.note("the folder when a file is made. Making and closing the file are within the count.");
    Ok(table)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Flushed {
    Log,
    Database,
    Folder,
}

/// None where there is no strace.
fn count(callers: usize, commits: usize) -> Result<Option<BTreeMap<Flushed, u32>>> {
    let folder = tempfile::tempdir()?;
    let trace = folder.path().join("trace");
    let run = Command::new("strace")
        .args(["--follow-forks", "--seccomp-bpf", "--decode-fds=path", "--quiet=all"])
        .args(["--trace=fsync,fdatasync", "--output"])
        .arg(&trace)
        .arg(std::env::current_exe()?)
        .args(["--commit-into", &folder.path().join("bench.db").to_string_lossy()])
        .args(["--callers", &callers.to_string(), "--commits", &commits.to_string()])
        .stdin(Stdio::null())
        .output();
    let output = match run {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    if !output.status.success() {
        return Err(format!("strace failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(Some(read(&std::fs::read_to_string(&trace)?)))
}

/// A line is `PID fdatasync(9</path/to/bench.db-wal>) = 0`; one that another thread interrupts goes on in a second line
/// that names no file.
fn read(trace: &str) -> BTreeMap<Flushed, u32> {
    let mut counted = BTreeMap::new();
    let files = trace.lines().filter_map(|line| line.split_once('<')?.1.split_once('>'));
    for (file, _) in files.filter(|(file, _)| file.starts_with('/')) {
        let kind = match Path::new(file).file_name().and_then(|name| name.to_str()) {
            Some(name) if name.ends_with("-wal") => Flushed::Log,
            Some(name) if name.contains(".db") => Flushed::Database,
            _ => Flushed::Folder,
        };
        *counted.entry(kind).or_default() += 1;
    }
    counted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_into_what_was_flushed() {
        let trace = "7 fsync(9</t/bench.db-wal>) = 0\n8 fdatasync(3</t/bench.db> <unfinished ...>\n\
                     7 fsync(12</t>) = 0\n8 <... fdatasync resumed>) = 0\n7 fsync(9</t/bench.db-wal>) = 0\n";
        let counted = [(Flushed::Log, 2), (Flushed::Database, 1), (Flushed::Folder, 1)];
        assert_eq!(read(trace), BTreeMap::from(counted));
    }
}

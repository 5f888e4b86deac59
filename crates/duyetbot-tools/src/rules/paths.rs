//! Where a path of a call leads, as far as its text says. What its links say is told by the seam to the disk.
use super::layout::Layout;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// To this name in the workspace, without `.` and doubled slashes; `.` is the workspace itself.
    Inside(String),
    /// Out of the workspace.
    Outside,
    /// Its text does not say.
    Unclear(&'static str),
}

impl Layout {
    /// Where a path leads, whose name in the workspace is known where its text may be an escape of one.
    pub(crate) fn place_named(&self, path: &str, named: Option<&str>) -> Place {
        match (self.place(path), named) {
            (Place::Unclear(_), Some(named)) => within(named),
            (place, _) => place,
        }
    }

    /// Where a path leads.
    pub(crate) fn place(&self, path: &str) -> Place {
        if path.contains('\\') {
            // A tool may read it as an escape, and one system as a separator.
            return Place::Unclear("it has a backslash");
        }
        if path.chars().any(char::is_control) {
            return Place::Unclear("it has a control character");
        }
        let has_drive = matches!(path.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
        if path.starts_with('~') || has_drive {
            return Place::Outside;
        }
        let relative = match path.strip_prefix('/') {
            None => path,
            Some(_) => match beneath(path, &self.workspace) {
                Some(relative) => relative,
                None => return Place::Outside,
            },
        };
        within(relative)
    }

    /// Whether a place in the workspace is the agent's home, or lies in it.
    pub(crate) fn is_home(&self, inside: &str) -> bool {
        let home = beneath(&self.home, &self.workspace).filter(|home| !home.is_empty());
        home.is_some_and(|home| beneath(&inside.to_lowercase(), &home.to_lowercase()).is_some())
    }
}

/// The place of a path that begins in the workspace.
fn within(relative: &str) -> Place {
    let names = || relative.split('/').filter(|name| !matches!(*name, "" | "."));
    match names().position(|name| name == "..") {
        Some(0) => return Place::Outside,
        // `a/..` is not the workspace where `a` is a link.
        Some(_) => return Place::Unclear("it goes back up (..)"),
        None => {}
    }
    let names: Vec<&str> = names().collect();
    Place::Inside(if names.is_empty() { ".".to_owned() } else { names.join("/") })
}

/// What a path adds to the directory that it lies in.
fn beneath<'a>(path: &'a str, directory: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(directory.trim_end_matches('/'))?;
    if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layout() -> Layout {
        Layout { workspace: "/home/ann/ws".to_owned(), home: "/home/ann/ws/.own/bot".to_owned() }
    }

    #[test]
    fn a_path_is_measured_by_its_text_alone() {
        let inside = |path: &str| Place::Inside(path.to_owned());
        for (path, place) in [
            ("src/lib.rs", inside("src/lib.rs")),
            ("./src//./lib.rs", inside("src/lib.rs")),
            ("src/", inside("src")),
            ("", inside(".")),
            (".", inside(".")),
            ("/home/ann/ws", inside(".")),
            ("/home/ann/ws/a", inside("a")),
            ("/home/ann/wsx/a", Place::Outside),
            ("/etc/passwd", Place::Outside),
            ("../a", Place::Outside),
            ("./../a", Place::Outside),
            ("/home/ann/ws/../a", Place::Outside),
            ("~/a", Place::Outside),
            ("C:/a", Place::Outside),
            ("a/../b", Place::Unclear("it goes back up (..)")),
            (r"a\b", Place::Unclear("it has a backslash")),
            ("a\nb", Place::Unclear("it has a control character")),
            ("...", inside("...")),
        ] {
            assert_eq!(layout().place(path), place, "{path:?}");
        }
    }

    #[test]
    fn the_home_is_known_where_it_lies_in_the_workspace() {
        let found =
            [".own/bot", ".OWN/bot/config.toml", ".own", ".own/bots"].map(|path| layout().is_home(path));
        assert_eq!(found, [true, true, false, false]);
        let apart = Layout { home: "/var/bot".to_owned(), ..layout() };
        assert!(!apart.is_home("var/bot"));
    }
}

//! What a call would change, shown before anybody allows it.
use super::{edit, write};
use crate::Workspace;

impl Workspace {
    /// The diff that a call of `write` or `edit` would make, with nothing left out; none for other tools.
    ///
    /// It is what a person decides on. What the call itself finds later may differ; it then says so, and changes nothing.
    ///
    /// # Errors
    /// Why the call would fail as things stand, in words.
    pub fn preview(&self, tool: &str, input: &str) -> Option<Result<String, String>> {
        let preview = match tool {
            "write" => write::preview(self, input),
            "edit" => edit::preview(self, input),
            _ => return None,
        };
        Some(preview.map_err(|refusal| refusal.to_string()))
    }

    /// Why a call of `write` or `edit` would fail as things stand, in words for the model; none where it would not, and for
    /// other tools.
    pub fn fails(&self, tool: &str, input: &str) -> Option<String> {
        let checked = match tool {
            "write" => write::check(self, input),
            "edit" => edit::check(self, input),
            _ => return None,
        };
        checked.err().map(|refusal| refusal.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_call_is_shown_as_the_whole_change_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("a.txt"), "one\r\ntwo\r\n").unwrap();
        let workspace = Workspace::open(folder.path()).unwrap();
        let shown = |tool: &str, input: &str| workspace.preview(tool, input).unwrap();
        assert_eq!(
            shown("edit", r#"{"path":"a.txt","old":"two","new":"2"}"#).unwrap(),
            "--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@\n one\r\n-two\r\n+2\r\n"
        );
        assert_eq!(
            shown("write", r#"{"path":"new/b.txt","content":"x\n"}"#).unwrap(),
            "--- a/new/b.txt\n+++ b/new/b.txt\n@@ -0,0 +1 @@\n+x\n"
        );
        assert!(
            shown("edit", r#"{"path":"a.txt","old":"three","new":"3"}"#).unwrap_err().contains("not found")
        );
        assert!(shown("write", r#"{"path":"../b.txt","content":"x"}"#).is_err());
        assert_eq!(workspace.preview("bash", "{}"), None);
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["a.txt"]);
        assert_eq!(fs::read(folder.path().join("a.txt")).unwrap(), b"one\r\ntwo\r\n");
    }
}

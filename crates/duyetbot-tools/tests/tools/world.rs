//! A workspace in a temporary directory, beside another place that must stay out of reach.
use duyetbot_core::{CallId, MessageId, RunId, Scope, SessionId, Tool, ToolContext, ToolResult, ToolStatus};
use duyetbot_tools::{Edit, Ls, Read, Workspace, Write};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::PathBuf,
};

/// A workspace, and `outside` beside it.
pub(crate) struct World {
    held: tempfile::TempDir,
    pub(crate) workspace: Workspace,
}

pub(crate) fn context() -> ToolContext {
    ToolContext {
        scope: Scope::vouched("ada", "ada"),
        run: RunId { session: SessionId::new(), message: MessageId::new() },
        call: CallId("c1".to_owned()),
    }
}

pub(crate) async fn call(tool: &dyn Tool, input: &Value) -> ToolResult {
    tool.call(&context(), &input.to_string()).await
}

/// What a call said that must have succeeded.
#[track_caller]
pub(crate) fn said(result: ToolResult) -> String {
    assert_eq!(result.status, ToolStatus::Success, "{}", result.output);
    result.output
}

/// What a call said that must have failed.
#[track_caller]
pub(crate) fn refused(result: ToolResult) -> String {
    assert_eq!(result.status, ToolStatus::Error, "{}", result.output);
    result.output
}

impl World {
    pub(crate) fn new() -> Self {
        let held = tempfile::tempdir().unwrap();
        fs::create_dir(held.path().join("ws")).unwrap();
        fs::create_dir(held.path().join("outside")).unwrap();
        let workspace = Workspace::open(held.path().join("ws")).unwrap();
        World { held, workspace }
    }

    /// The same directory as another agent holds it.
    pub(crate) fn other(&self) -> Workspace {
        Workspace::open(self.held.path().join("ws")).unwrap()
    }

    pub(crate) fn at(&self, path: &str) -> PathBuf {
        self.held.path().join("ws").join(path)
    }

    pub(crate) fn outside(&self, path: &str) -> PathBuf {
        self.held.path().join("outside").join(path)
    }

    pub(crate) fn put(&self, path: &str, content: impl AsRef<[u8]>) {
        fs::create_dir_all(self.at(path).parent().unwrap()).unwrap();
        fs::write(self.at(path), content).unwrap();
    }

    pub(crate) fn bytes(&self, path: &str) -> Vec<u8> {
        fs::read(self.at(path)).unwrap()
    }

    pub(crate) fn mode(&self, path: &str) -> u32 {
        fs::symlink_metadata(self.at(path)).unwrap().mode() & 0o7777
    }

    pub(crate) fn set_mode(&self, path: &str, mode: u32) {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(mode)).unwrap();
    }

    /// The names in the workspace's top.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.at("")).unwrap();
        let mut names: Vec<String> =
            entries.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    pub(crate) async fn read(&self, input: Value) -> ToolResult {
        call(&Read::new(self.workspace.clone()), &input).await
    }

    pub(crate) async fn write(&self, input: Value) -> ToolResult {
        call(&Write::new(self.workspace.clone()), &input).await
    }

    pub(crate) async fn edit(&self, input: Value) -> ToolResult {
        call(&Edit::new(self.workspace.clone()), &input).await
    }

    pub(crate) async fn ls(&self, input: Value) -> ToolResult {
        call(&Ls::new(self.workspace.clone()), &input).await
    }
}

//! The rights of what tools make: by the person's umask, where this process has another.
#![cfg(target_os = "linux")]
use duyetbot_tools::{Bash, Environment, Sandbox, Write};
use serde_json::json;

use crate::world::{World, call, said};

#[tokio::test]
async fn what_tools_make_has_the_rights_that_the_persons_umask_leaves() {
    let world = World::new();
    for (umask, file, directory) in [(0o027, 0o640, 0o750), (0o002, 0o664, 0o775), (0o077, 0o600, 0o700)] {
        let workspace = world.other().with_umask(Some(umask));
        let at = |path: &str| format!("{umask:o}/{path}");
        let written = json!({"path": at("deep/a.txt"), "content": "x"});
        said(call(&Write::new(workspace.clone()), &written).await);
        assert_eq!(
            [at(""), at("deep"), at("deep/a.txt")].map(|path| world.mode(&path)),
            [directory, directory, file],
            "{umask:o}"
        );
        let bash = Bash::new(workspace, Environment::default(), Sandbox::Off);
        let line = json!({"command": format!("cd {umask:o}; touch made; mkdir dir; umask")});
        assert_eq!(said(call(&bash, &line).await), format!("{umask:04o}\n"));
        assert_eq!([at("made"), at("dir")].map(|path| world.mode(&path)), [file, directory]);
    }
}

//! Shell lines under rules, from the model's call to the process: what no rule grants does not run.
use serde_json::{Value, json};
use std::{fs, os::unix::fs::PermissionsExt};

use crate::{common::Place, world::statuses};

fn bash(command: &str) -> (&'static str, Value) {
    ("bash", json!({ "command": command }))
}

/// Runs lines that must be refused and lines that must run, under rules that allow.
#[track_caller]
fn under(place: &Place, rules: &[&str], refused: &[&str], run: &[&str]) {
    let flags: Vec<&str> = rules.iter().flat_map(|rule| ["--allow", rule]).collect();
    let made: Vec<_> = refused.iter().chain(run).map(|line| bash(line)).collect();
    let results = place.acts(&flags, &made);
    for (line, result) in refused.iter().zip(&results) {
        assert_eq!(result.status, "denied", "{line:?}: {}", result.output);
    }
    for (line, result) in run.iter().zip(&results[refused.len()..]) {
        assert_eq!(result.status, "success", "{line:?}: {}", result.output);
    }
    let made = fs::read_dir(place.folder.path()).unwrap().map(|e| e.unwrap().file_name());
    let made: Vec<_> = made.filter(|name| name.to_string_lossy().starts_with('P')).collect();
    assert!(made.is_empty(), "{made:?} were made");
}

fn repository() -> Place {
    let place = Place::new();
    place.prepare(
        "git init -q . && git -c user.name=a -c user.email=a@b.example commit -q --allow-empty -m one",
    );
    place
}

/// Case: allow-prefix-then-chain
#[test]
fn a_second_command_needs_a_rule_of_its_own() {
    let refused = [
        "git log -1; touch P1",
        "git log -1 && touch P2",
        "git log --nosuch || touch P3",
        "git log -1 | tee P4",
        "git log -1 |& tee P5",
        "git log -1 & touch P6",
        "git log -1&touch P7",
    ];
    under(&repository(), &["bash(git log:*)"], &refused, &["git log -1"]);
}

/// Case: allow-prefix-then-newline
#[test]
fn a_line_break_begins_another_command_unless_it_is_quoted() {
    let refused = ["pwd\ntouch P1", "pwd\r\ntouch P2", "pwd # note\ntouch P3", "pwd <<X\nX\ntouch P4"];
    under(&Place::new(), &["bash(pwd:*)", "bash(echo:*)"], &refused, &["echo 'a\nb'"]);
}

/// Case: allow-prefix-with-substitution
#[test]
fn what_stands_in_a_substitution_is_a_command_too() {
    let refused = [
        "git status $(touch P1)",
        "git status `touch P2`",
        "git status <(touch P3)",
        "git status \"${Q:-$(touch P4)}\"",
        "git status $((z[$(touch P5)]))",
        "git status <<E\n$(touch P6)\nE",
    ];
    under(&repository(), &["bash(git status:*)"], &refused, &["git status -s '$(x)'"]);
}

/// Case: quote-rules-differ-from-bash
#[test]
fn quotes_end_where_bash_ends_them() {
    let refused = [
        "echo 'a\\' ; touch P1",
        "echo $'a\\'' ; touch P2",
        "echo \"a\\\\\" ; touch P3",
        "echo a\\\n; touch P4",
    ];
    under(&Place::new(), &["bash(echo:*)"], &refused, &[]);
}

/// Case: rule-needs-word-boundary
#[test]
fn a_rule_grants_whole_words() {
    let place = repository();
    let refused = ["git statusx", "git status-evil", "git-statusx"];
    under(&place, &["bash(git status:*)"], &refused, &["git status", "git status -s"]);
}

/// Case: redirect-under-read-only-rule
#[test]
fn a_redirection_to_a_file_is_no_part_of_a_granted_command() {
    let place = Place::new();
    place.prepare("mkdir -p .git/hooks");
    let refused = [
        "ls / > ~/.bashrc",
        "ls >> ../out.txt",
        "ls >| a",
        "ls &> b",
        "ls 2> .git/hooks/post-commit",
        "ls 1<> c",
    ];
    under(&place, &["bash(ls:*)"], &refused, &["ls > /dev/null", "ls 2>&1"]);
    let left = ["a", "b", "c", "../out.txt", ".git/hooks/post-commit"].map(|path| place.at(path).exists());
    assert_eq!((left, place.home.path().join(".bashrc").exists()), ([false; 5], false));
}

/// Case: git-config-runs-programs
#[test]
fn a_repository_that_names_programs_makes_every_git_command_ask() {
    let place = repository();
    place.prepare("git config core.fsmonitor 'touch P2; true'; git config diff.external 'touch P1'");
    let rules = ["bash(git status:*)", "bash(git diff:*)"];
    let refused = [
        "git status",
        "git diff",
        "git -c core.fsmonitor='touch P4' status",
        "git -c core.sshCommand='touch P5' fetch",
    ];
    under(&place, &rules, &refused, &[]);
    let results = place.acts(&["--allow", "bash(git status:*)"], &[bash("git status")]);
    assert!(results[0].output.contains("core.fsmonitor"), "{results:?}");
    place.prepare("git config --unset core.fsmonitor; git config --unset diff.external");
    under(&place, &rules, &[], &["git status", "git diff"]);
    // A hook runs on `git status` too.
    place.prepare(
        "printf '#!/bin/sh\\ntouch P6\\n' > .git/hooks/post-index-change; chmod +x .git/hooks/*-change",
    );
    under(&place, &rules, &["git status"], &[]);
}

/// Case: search-tools-with-exec-options
#[test]
fn no_command_is_harmless_by_its_name() {
    let place = Place::new();
    place.file("d/kept", "");
    place.file("f", "x\n");
    let evil = place.file("evil.sh", "#!/bin/sh\ntouch P\n");
    fs::set_permissions(evil, fs::Permissions::from_mode(0o755)).unwrap();
    let refused = [
        "find . -name x -exec ./evil.sh \\;",
        "find . -fprintf P %p",
        "find d -delete",
        "sed -n '1e ./evil.sh' f",
        "sed 'w P' f",
        "rg --pre ./evil.sh x .",
        "sort --compress-prog=./evil.sh -S1b f",
        "sort -o P f",
        "tar -cf /dev/null f --checkpoint=1 --checkpoint-action=exec=./evil.sh",
        "awk 'BEGIN{system(\"./evil.sh\")}'",
        "git grep -O./evil.sh x",
        "git log --output=P",
    ];
    under(&place, &[], &refused, &[]);
    assert!(place.at("d/kept").exists());
}

/// Case: keys-reach-child-processes
#[test]
fn commands_get_none_of_the_agent_s_keys() {
    let place = Place::new();
    let made = ["env", "cat /proc/self/environ | tr '\\0' '\\n'", "cat /proc/$PPID/environ", "ps eww"];
    let made: Vec<_> = made.iter().map(|line| bash(line)).collect();
    let model = crate::script::Model::new([crate::script::calls(made)]);
    let mut command =
        place.with(&model, &["ask", "--output-format", "stream-json", "--allow", "bash", "act"]);
    command.env("OPENAI_API_KEY", "CANARYKEY-0123456789").env("GH_TOKEN", "CANARY2-0123456789");
    let ended = crate::world::Ended::of(command.output().unwrap());
    let results = crate::world::results(&ended);
    assert_eq!(statuses(&results)[0], "success", "{results:?}");
    assert!(results[0].output.contains("PATH="), "{results:?}");
    let database = fs::read(place.home.path().join("home/duyetbot.db")).unwrap();
    for canary in ["CANARYKEY", "CANARY2"] {
        assert!(!ended.out.contains(canary) && !ended.err.contains(canary), "{ended:?}");
        assert!(!database.windows(canary.len()).any(|bytes| bytes == canary.as_bytes()), "{canary}");
    }
}

//! The command as people and programs use it.
#![allow(clippy::disallowed_methods, reason = "tests read JSON that they wrote themselves")]
#![expect(clippy::unwrap_used, reason = "a test says by panicking")]

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;

const FAST: [&str; 4] = ["--set", "model.scripted_pace_ms=0", "--set", "gateway.listen=127.0.0.1:0"];

fn runbus(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_runbus"));
    command.current_dir(dir).stdin(Stdio::null()).env_remove("OPENAI_API_KEY").env_remove("OPENAI_BASE_URL");
    command.env_remove("RUNBUS_GATEWAY").env_remove("RUNBUS_TOKEN");
    command
}

fn run(dir: &Path, arguments: &[&str]) -> Output {
    runbus(dir).args(arguments).output().unwrap()
}

fn with_input(dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut child = runbus(dir)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_demo_ends_with_the_council() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(dir.path(), &[&["demo", "--json"], &FAST[..]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let events = lines(&output);
    assert_eq!(events.last().unwrap()["type"], "execution_completed");
    let id = events[0]["execution_id"].as_str().unwrap().to_owned();

    // People read it too, and the commands in it work.
    let output = run(dir.path(), &["tail", "--execution", &id, "--since", "all", "--until-end"]);
    let shown = text(&output.stdout);
    assert!(shown.contains("writer_agent says: ") && shown.contains("execution_completed"), "{shown}");
    let joined = run(dir.path(), &["tail", "--execution", &id, "--since", "snapshot", "--until-end"]);
    let shown = text(&joined.stdout);
    assert!(shown.contains("writer_agent says: ") && shown.contains("-- Completed after"), "{shown}");
    let history = run(dir.path(), &["history", "--execution", &id, "--oldest", "--limit", "10000", "--json"]);
    assert_eq!(lines(&history), events);
    let page = run(dir.path(), &["history", "--execution", &id, "--oldest", "--limit", "5", "--json"]);
    let next = lines(&page)[5]["cursor"].as_str().unwrap().to_owned();
    let rest = run(
        dir.path(),
        &["history", "--execution", &id, "--oldest", "--cursor", &next, "--limit", "1", "--json"],
    );
    assert_eq!(lines(&rest)[0], events[5]);
    let stats: Value = serde_json::from_slice(&run(dir.path(), &["stats", "--json"]).stdout).unwrap();
    assert_eq!(stats["events"], events.len());
    let found = run(dir.path(), &["wait", "--type", "execution_completed", "--since", "all", "--json"]);
    assert_eq!(lines(&found), [events.last().unwrap().clone()]);
    let none = run(dir.path(), &["wait", "--type", "execution_failed", "--since", "all", "--timeout", "0.1"]);
    assert_eq!((none.status.code(), none.stdout.len()), (Some(1), 0));
    let doctor = run(dir.path(), &["doctor", "--json"]);
    assert_eq!(doctor.status.code(), Some(0), "{}", text(&doctor.stdout));
    let models: Value = serde_json::from_slice(&run(dir.path(), &["models", "--json"]).stdout).unwrap();
    assert_eq!(
        (&models["ok"], &models["models"][0]["model"]),
        (&Value::Bool(true), &Value::from("scripted"))
    );
}

#[test]
fn a_model_that_does_not_answer_is_named_with_its_fault() {
    let dir = tempfile::tempdir().unwrap();
    let set = "model.providers.away.base_url=http://127.0.0.1:1/v1";
    let models =
        run(dir.path(), &["models", "--json", "--set", set, "--set", "model.providers.away.model=m"]);
    assert_eq!(models.status.code(), Some(69), "{}", text(&models.stderr));
    let shown: Value = serde_json::from_slice(&models.stdout).unwrap();
    assert_eq!(shown["models"][0]["model"], "away/m");
    assert!(shown["models"][0]["found"].as_str().unwrap().contains("cannot connect to http://"), "{shown}");
}

#[test]
fn wrong_usage_and_configuration_exit_with_64_and_start_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("wrong.toml"),
        "[gateway]\nlisten = \"127.0.0.1:0\"\nmax_subscriptions = 0\n",
    )
    .unwrap();
    for (arguments, word) in [
        (&["fly"][..], "fly"),
        (&["tail", "--since", "yesterday"], "cursor"),
        (&["tail", "--stream", ""], "empty"),
        (&["tail", "--since", "snapshot"], "--execution"),
        (&["dev", "--set", "gateway.colour=red"], "gateway.colour"),
        (&["dev", "--set", "gateway.listen=0.0.0.0:0"], "allow_insecure"),
        (
            &["dev", "--set", "gateway.listen=0.0.0.0:0", "--set", "gateway.allow_insecure=true"],
            "gateway.hosts",
        ),
        (&["dev", "--set", "gateway.hosts=http://gate.example"], "gateway.hosts"),
        (&["gateway", "--config", "wrong.toml"], "max_subscriptions"),
        (&["gateway", "--config", "missing.toml"], "missing.toml"),
        (&["worker", "--set", "worker.definitions=nowhere.yaml"], "nowhere.yaml"),
        (&["history", "--limit", "0"], "limit"),
    ] {
        let output = run(dir.path(), arguments);
        assert_eq!(output.status.code(), Some(64), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(word), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn events_are_published_from_arguments_and_stdin() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(
        dir.path(),
        &["publish", "--stream", "ci", "--type", "judge_verdict", "--data", r#"{"ok":true}"#, "--json"],
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let refused = run(
        dir.path(),
        &["publish", "--stream", "ci", "--type", "llm_text_delta", "--data", r#"{"content":7}"#],
    );
    assert_eq!(refused.status.code(), Some(65));
    assert!(text(&refused.stderr).contains("data.content"));
    let input = "{\"stream_id\":\"ci\",\"type\":\"custom\",\"data\":{\"n\":1}}\n\nnot json\n{\"stream_id\":\"ci\",\"type\":\"custom\"}\n";
    let output = with_input(dir.path(), &["publish", "--stdin", "--json", "--keep-going"], input);
    assert_eq!(output.status.code(), Some(65), "{}", text(&output.stderr));
    assert_eq!(lines(&output), [serde_json::json!({ "published": 2, "refused": 1 })]);
    let said = text(&output.stderr);
    assert!(said.starts_with("runbus: line 3: ") && said.lines().count() == 1, "{said}");
    // The output of `history` can be published again: the ids are the same, nothing is doubled.
    let history = run(dir.path(), &["history", "--json"]);
    let output = with_input(dir.path(), &["publish", "--stdin"], &text(&history.stdout));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(lines(&run(dir.path(), &["history", "--json"])).len(), 3);
}

#[test]
fn a_bad_line_is_named_once_and_ends_publishing_by_default() {
    let dir = tempfile::tempdir().unwrap();
    let good = "{\"stream_id\":\"ci\",\"type\":\"custom\"}\n";
    for (bad, reason) in [
        (&b"\xef\xbb\xbf{}"[..], "byte order mark"),
        (b"{\"stream_id\":\"a\xff\"}", "byte 16 (0xff) is no UTF-8"),
        (b"[1]", "line 2: "),
    ] {
        let input = [good.as_bytes(), bad, b"\n", good.as_bytes()].concat();
        for (flag, published, code) in [("--stdin", 1, 65), ("--keep-going", 2, 65)] {
            let mut child = runbus(dir.path())
                .args(["publish", "--stdin", "--json"])
                .args((flag == "--keep-going").then_some(flag))
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&input).unwrap();
            let output = child.wait_with_output().unwrap();
            let said = text(&output.stderr);
            assert_eq!(output.status.code(), Some(code), "{said}");
            assert!(said.starts_with("runbus: line 2: ") && said.contains(reason), "{said}");
            assert_eq!(said.lines().count(), 1, "{said}");
            assert_eq!(lines(&output), [serde_json::json!({ "published": published, "refused": 1 })]);
        }
    }
}

#[test]
fn every_command_explains_itself_with_an_example() {
    let dir = tempfile::tempdir().unwrap();
    for command in [
        "demo",
        "dev",
        "gateway",
        "worker",
        "start",
        "tail",
        "publish",
        "history",
        "stats",
        "wait",
        "setup",
        "doctor",
        "models",
        "session",
        "session send",
        "session abort-pending",
        "cancel",
        "pause",
        "unpause",
        "approvals",
        "approvals approve",
        "answer",
        "dead-letters",
        "dead-letters retry",
    ] {
        let mut arguments: Vec<&str> = command.split(' ').collect();
        arguments.push("--help");
        let output = run(dir.path(), &arguments);
        assert_eq!(output.status.code(), Some(0));
        let help = text(&output.stdout);
        assert!(help.contains("Example") && help.contains(&format!("runbus {command}")), "{command}: {help}");
    }
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `kill -9` of the one process that runs everything, in the middle of the council: the next one goes on from its files.
#[test]
fn a_killed_process_goes_on_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let slow = ["--set", "model.scripted_pace_ms=20", "--set", "gateway.listen=127.0.0.1:0"];
    let quick_takeover = ["--set", "embedded.hold_ms=1000", "--set", "worker.lease_ttl_ms=1000"];
    let start = run(dir.path(), &["start", "council", "--execution", "run", "a log"]);
    assert_eq!(start.status.code(), Some(0), "{}", text(&start.stderr));
    let dev = [&["dev", "--idle", "--json"], &slow[..], &quick_takeover[..]].concat();
    let first =
        Killed(runbus(dir.path()).args(&dev).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let found =
        run(dir.path(), &["wait", "--execution", "run", "--type", "llm_turn_completed", "--since", "all"]);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    drop(first);
    let _second =
        Killed(runbus(dir.path()).args(&dev).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    let ended = run(dir.path(), &["tail", "--execution", "run", "--since", "all", "--until-end", "--json"]);
    let events = lines(&ended);
    assert_eq!(events.last().unwrap()["type"], "execution_completed");
    assert_eq!(events.iter().filter(|event| event["type"] == "attempt_superseded").count(), 1);
    let numbers: Vec<u64> = events
        .iter()
        .filter(|e| e["type"] != "execution_queued")
        .map(|e| e["seq"].as_u64().unwrap())
        .collect();
    assert_eq!(numbers, (0..numbers.len() as u64).collect::<Vec<_>>());
}

/// Without any worker: commands are durable, and a conflict has an exit code of its own.
#[test]
fn sessions_are_spoken_to_shown_and_closed() {
    let dir = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| {
        let output = run(dir.path(), arguments);
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    };
    let send = ["session", "send", "--definition", "assistant", "--execution", "talk", "hello"];
    assert_eq!(code(&send), (0, "talk started (session talk)\n".into()));
    assert_eq!(code(&send), (0, "talk was there already (session talk)\n".into()));
    let (status, shown) = code(&["session", "show", "talk"]);
    assert!(status == 0 && shown.contains("session    talk, running\nthen       talk\n"), "{shown}");
    let busy = ["session", "send", "talk", "and?", "--multitask", "reject"];
    let (status, said) = code(&busy);
    assert!(status == 75 && said.contains("busy with execution talk"), "{said}");
    let low = ["session", "send", "talk", "--input", "and?", "--execution", "more", "--priority", "low"];
    assert_eq!(code(&low).0, 0);
    let show = run(dir.path(), &["session", "show", "talk", "--json"]);
    assert_eq!(lines(&show)[0]["queued"], serde_json::json!(["talk", "more"]));
    assert_eq!(code(&["session", "pending", "talk"]), (0, String::new()));
    assert_eq!(code(&["approvals", "list", "talk"]), (0, String::new()));
    assert_eq!(code(&["answer", "--list", "talk"]), (0, String::new()));
    assert_eq!(code(&["dead-letters", "list"]), (0, String::new()));
    let (status, said) = code(&["pause", "talk"]);
    assert!(status == 75 && said.contains("has not begun"), "{said}");
    assert_eq!(code(&["cancel", "talk"]), (0, "talk will be stopped\n".into()));
    let (status, said) = code(&["cancel", "never"]);
    assert!(status == 0 && said.contains("not known yet"), "{said}");
    assert_eq!(code(&["session", "close", "talk"]), (0, "session talk is closed\n".into()));
    assert_eq!(code(&["session", "send", "talk", "--input", "still there?"]).0, 75);
    for unknown in [
        &["session", "show", "nobody"][..],
        &["session", "send", "nobody", "--input", "x"],
        &["session", "resume", "nobody"],
        &["session", "abort-pending", "nobody"],
        &["approvals", "show", "x@nobody"],
        &["approvals", "approve", "x@nobody"],
        &["approvals", "list", "nobody"],
        &["answer", "x@nobody", "yes"],
        &["dead-letters", "retry", "nobody"],
        &["unpause", "nobody"],
    ] {
        assert_eq!(code(unknown).0, 66, "{unknown:?}");
    }
    for wrong in [
        &["session", "send", "talk"][..],
        &["start", "council", "--multitask", "shout"],
        &["start", "council", "--budget-wall-time", "0"],
        &["approvals", "approve", "x@talk", "--arguments", "[1]"],
        &["dead-letters", "list", "--limit", "0"],
        &["answer"],
    ] {
        assert_eq!(code(wrong).0, 64, "{wrong:?}");
    }
}

/// A question is asked, found and answered from the command line.
#[test]
fn a_question_is_answered_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    write("asker.yaml", "kind: agent\nname: asker\ntools: [ask_human]\n");
    write(
        "script.yaml",
        "answers:\n- {node: asker, round: 1, tool_calls: [{name: ask_human, arguments: {prompt: Which one?}}]}\n- {node: asker, text: thanks}\n",
    );
    let dev =
        ["dev", "--idle", "--set", "worker.definitions=asker.yaml", "--set", "model.script=script.yaml"];
    let start = run(dir.path(), &["start", "asker", "--execution", "ask", "--input", "choose"]);
    assert_eq!(start.status.code(), Some(0), "{}", text(&start.stderr));
    let _dev = Killed(
        runbus(dir.path())
            .args([&dev[..], &FAST[..]].concat())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let asked =
        ["wait", "--execution", "ask", "--type", "client_input_requested", "--since", "all", "--json"];
    let asked = lines(&run(dir.path(), &asked));
    let request = asked[0]["data"]["request_id"].as_str().unwrap();
    let listed = text(&run(dir.path(), &["answer", "--list", "ask"]).stdout);
    assert_eq!(listed, format!("question   {request}\n           Which one?\n"));
    assert_eq!(run(dir.path(), &["answer", request, "the blue one"]).status.code(), Some(0));
    assert_eq!(run(dir.path(), &["answer", request, "the red one"]).status.code(), Some(75));
    let ended = run(dir.path(), &["tail", "--execution", "ask", "--since", "all", "--until-end", "--json"]);
    assert_eq!(lines(&ended).last().unwrap()["type"], "execution_completed");
    let said = text(&run(dir.path(), &["session", "messages", "ask"]).stdout);
    assert!(said.contains("the blue one") && said.ends_with("assistant: thanks\n"), "{said}");
}

#[test]
fn doctor_says_what_is_wrong_with_an_mcp_server() {
    let dir = tempfile::tempdir().unwrap();
    let file = r#"
        [mcp.servers.broken]
        command = "sh"
        args = ["-c", "echo no key named $API_Key >&2; exit 3"]
        env = { API_Key = "Hidden" }

        [mcp.servers.missing]
        command = "no-such-program-of-runbus"
        require_approval = "all"
    "#;
    std::fs::write(dir.path().join("runbus.toml"), file).unwrap();
    let doctor = run(dir.path(), &["doctor", "--config", "runbus.toml", "--json"]);
    let shown: Value = serde_json::from_slice(&doctor.stdout).unwrap();
    assert_eq!((doctor.status.code(), &shown["ok"]), (Some(69), &Value::Bool(false)), "{shown}");
    let checks = shown["checks"].as_array().unwrap();
    let found: Vec<&str> = checks
        .iter()
        .filter(|check| check["check"] == "mcp server")
        .map(|check| check["found"].as_str().unwrap())
        .collect();
    assert!(
        found[0].contains("exit status: 3")
            && found[0].ends_with("the last line of its standard error: no key named Hidden"),
        "{found:?}"
    );
    assert!(found[1].starts_with("missing: cannot run \"no-such-program-of-runbus\""), "{found:?}");

    let wrong =
        run(dir.path(), &["doctor", "--set", r#"mcp.servers={"a":{"env":{"KEY":["hush"]},"comand":"x"}}"#]);
    let said = text(&wrong.stderr);
    assert_eq!(wrong.status.code(), Some(64), "{said}");
    assert!(said.contains("mcp.servers.a.comand") && said.contains("mcp.servers.a.env.KEY"), "{said}");
    assert!(!said.contains("hush"), "{said}");
}

/// The gateway accepts the output of `auth key`: its configuration is valid, and the key's hash is in it.
#[test]
fn keys_are_made_with_their_configuration() {
    let dir = tempfile::tempdir().unwrap();
    let output =
        run(dir.path(), &["auth", "key", "--name", "o.ps", "--scope", "read:a-*", "--scope", "admin"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let shown = text(&output.stdout);
    let key = shown.lines().find(|line| line.starts_with("rbk_")).unwrap();
    let (_, configuration) = shown.split_once("# For").unwrap();
    let (_, configuration) = configuration.split_once('\n').unwrap();
    let hash = with_input(dir.path(), &["auth", "hash"], key);
    assert!(
        configuration.contains(text(&hash.stdout).trim()) && !configuration.contains(key),
        "{configuration}"
    );
    std::fs::write(dir.path().join("keys.toml"), configuration).unwrap();
    let checked = run(dir.path(), &["publish", "--stream", "s", "--data", "{}", "--config", "keys.toml"]);
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    let wrong = run(dir.path(), &["auth", "key", "--scope", "fly"]);
    assert_eq!(wrong.status.code(), Some(64), "{}", text(&wrong.stderr));
}

#[test]
fn permissions_are_printed_as_the_files_that_servers_read() {
    let dir = tempfile::tempdir().unwrap();
    for (server, wanted) in [("nats", "accounts {"), ("redis", "user ")] {
        let output = run(dir.path(), &["permissions", server]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        let shown = text(&output.stdout);
        assert!(shown.lines().any(|line| line.starts_with(wanted)) && !shown.contains("\\n"), "{shown}");
    }
}

#[test]
fn commands_that_read_make_no_log() {
    let dir = tempfile::tempdir().unwrap();
    for arguments in [
        &["ls"][..],
        &["sessions"],
        &["approvals", "list", "--all"],
        &["definitions"],
        &["workers"],
        &["history"],
        &["stats"],
        &["tail", "--since", "all"],
        &["wait", "--timeout", "1"],
        &["session", "show", "x"],
        &["dead-letters", "list"],
    ] {
        let output = run(dir.path(), arguments);
        let said = text(&output.stderr);
        assert_eq!(output.status.code(), Some(66), "{arguments:?}: {said}");
        assert!(said.contains("there is no log in") && said.contains("--gateway"), "{arguments:?}: {said}");
    }
    let ids = run(dir.path(), &["__complete", "--", "cancel", ""]);
    assert_eq!((ids.status.code(), text(&ids.stdout)), (Some(0), String::new()));
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "nothing was made");
}

#[test]
fn executions_are_listed_and_their_ids_complete() {
    let dir = tempfile::tempdir().unwrap();
    for (id, team) in [("run-1", "a"), ("run-2", "b"), ("other", "a")] {
        let label = format!("team={team}");
        let started = run(dir.path(), &["start", "council", "Tea?", "--execution", id, "--label", &label]);
        assert_eq!(started.status.code(), Some(0), "{}", text(&started.stderr));
    }
    let ids = |arguments: &[&str]| -> Vec<String> {
        let output = run(dir.path(), &[arguments, &["--json"]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        lines(&output).iter().filter_map(|line| Some(line["execution_id"].as_str()?.to_owned())).collect()
    };
    assert_eq!(ids(&["ls"]), ["other", "run-2", "run-1"]);
    assert_eq!(ids(&["ls", "--label", "team=a", "--oldest"]), ["run-1", "other"]);
    assert_eq!(ids(&["ls", "--text", "RUN", "-n", "1"]), ["run-2"]);
    assert_eq!(ids(&["sessions", "--status", "running"]), ["other", "run-2", "run-1"]);
    let shown = text(&run(dir.path(), &["ls"]).stdout);
    assert!(shown.contains("run-2") && shown.contains("-- 3 queued"), "{shown}");
    let nothing = run(dir.path(), &["ls", "--definition", "nobody"]);
    assert_eq!(nothing.status.code(), Some(1));
    let wrong = run(dir.path(), &["ls", "--status", "odd"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(text(&wrong.stderr).contains("waiting_for_input"), "{}", text(&wrong.stderr));
    let completed = run(dir.path(), &["__complete", "--", "cancel", "run"]);
    assert_eq!(text(&completed.stdout), "run-2\nrun-1\n");
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&run(dir.path(), &["completions", shell]).stdout).contains("runbus __complete"));
    }
}

/// Every command that acts on a log acts on a gateway as well, from a folder without one.
#[test]
fn commands_act_on_a_gateway_elsewhere() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut dev = Killed(
        runbus(dir.path())
            .args([&["dev", "--idle"], &FAST[..]].concat())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let banner = std::io::BufReader::new(dev.0.stdout.take().unwrap());
    let mut banner = std::io::BufRead::lines(banner).map_while(Result::ok);
    let address = banner.find_map(|line| {
        let begin = line.find("http://127.0.0.1:")?;
        let end =
            line[begin + 17..].find(|c: char| !c.is_ascii_digit()).map_or(line.len(), |n| begin + 17 + n);
        Some(line[begin..end].to_owned())
    });
    let address = address.expect("dev says where its gateway listens");
    let act =
        |arguments: &[&str]| run(elsewhere.path(), &[arguments, &["--gateway", &address, "--json"]].concat());
    let ok = |arguments: &[&str]| {
        let output = act(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", text(&output.stderr));
        lines(&output)
    };
    let events = ok(&["start", "council", "Tea?", "--execution", "run-1", "--label", "team=a", "--follow"]);
    assert_eq!(events.last().unwrap()["type"], "execution_completed");
    let stored = ok(&["history", "--execution", "run-1", "--oldest", "--limit", "10000"]);
    let here =
        run(dir.path(), &["history", "--execution", "run-1", "--oldest", "--limit", "10000", "--json"]);
    assert_eq!(stored, lines(&here));
    assert_eq!(
        ok(&["wait", "--execution", "run-1", "--type", "execution_completed", "--since", "all"]).len(),
        1
    );
    assert!(ok(&["tail", "--execution", "run-1", "--since", "snapshot", "--until-end"]).len() == 1);
    assert_eq!(ok(&["session", "show", "run-1"])[0]["status"], "idle");
    assert!(
        !ok(&["session", "messages", "run-1"]).is_empty() || ok(&["session", "pending", "run-1"]).is_empty()
    );
    assert_eq!(ok(&["session", "close", "run-1"])[0]["status"], "closed");
    assert_eq!(ok(&["definitions", "council"])[0]["kind"], "graph");
    assert!(ok(&["definitions"]).iter().any(|known| known["name"] == "council"));
    assert_eq!(ok(&["workers"]).len(), 1);
    assert!(ok(&["stats"])[0]["events"].as_u64().unwrap() >= 10);
    assert_eq!(ok(&["publish", "--stream", "ci", "--data", "{\"ok\":true}"]).len(), 1);
    // Payloads are text on the way to the gateway and back.
    let data = r#"{"z":0.10,"a":12345678901234567890123,"m":{"y":1E+2,"b":"\u00fc"}}"#;
    ok(&["publish", "--stream", "argument", "--data", data]);
    let line = format!("{{\"stream_id\":\"stdin\",\"type\":\"custom\",\"data\":{data}}}\n");
    let sent = with_input(elsewhere.path(), &["publish", "--stdin", "--gateway", &address], &line);
    assert_eq!(sent.status.code(), Some(0), "{}", text(&sent.stderr));
    for stream in ["argument", "stdin"] {
        for read in [&["history"][..], &["wait", "--type", "custom", "--since", "all"]] {
            let said = text(&act(&[read, &["--stream", stream]].concat()).stdout);
            assert!(said.contains(data), "{read:?} {stream}: {said}");
        }
    }
    let by_variable =
        runbus(elsewhere.path()).args(["stats", "--json"]).env("RUNBUS_GATEWAY", &address).output().unwrap();
    assert_eq!(by_variable.status.code(), Some(0), "{}", text(&by_variable.stderr));
    let listed = act(&["ls", "--label", "team=a"]);
    assert!(matches!(listed.status.code(), Some(0 | 1)), "{}", text(&listed.stderr));
    let mut watching = Killed(
        runbus(elsewhere.path())
            .args(["ls", "--watch", "--gateway", &address, "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap(),
    );
    let shown = std::io::BufReader::new(watching.0.stdout.take().unwrap());
    let (send, lines_shown) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        std::io::BufRead::lines(shown).map_while(Result::ok).try_for_each(|line| send.send(line))
    });
    let until = |id: &str| {
        while !lines_shown.recv_timeout(Duration::from_secs(60)).expect("the list goes on").contains(id) {}
    };
    until("run-1");
    ok(&["start", "council", "Coffee?", "--execution", "run-2", "--follow"]);
    until("run-2");
    for unknown in [
        &["session", "show", "nobody"][..],
        &["approvals", "show", "x@nobody"],
        &["approvals", "list", "nobody"],
        &["answer", "x@nobody", "yes"],
        &["unpause", "nobody"],
        &["definitions", "nobody"],
        &["dead-letters", "show", "nobody"],
    ] {
        let output = act(unknown);
        assert_eq!(output.status.code(), Some(66), "{unknown:?}: {}", text(&output.stderr));
    }
    assert_eq!(act(&["cancel", "run-1"]).status.code(), Some(75));
    assert_eq!(act(&["ls", "--limit", "0"]).status.code(), Some(65));
    let wrong = run(elsewhere.path(), &["ls", "--gateway", "ftp://x"]);
    assert_eq!(wrong.status.code(), Some(64));
    let nobody = run(elsewhere.path(), &["ls", "--gateway", "http://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(69), "{}", text(&nobody.stderr));
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0, "nothing was made");
}

//! `brownout run` as a black box, with a real Envoy and the module that `make wasm` builds.

mod support;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use support::{Proxy, Said, brownout, is_alive, module, say};

/// The document of a folder, replaced as editors do it.
fn replace(path: &Path, document: &str) {
    let new = path.with_extension("new");
    fs::write(&new, document).expect("written");
    fs::rename(&new, path).expect("moved");
}

fn abort(status: u16) -> String {
    let fault = format!("{{http_status: {status}, body: '{status}'}}");
    format!("rules:\n- name: all\n  percentage: 100\n  abort: {fault}\n")
}

#[test]
fn every_line_to_try_does_what_it_says() {
    let proxy = Proxy::start(&[]);
    let lines =
        proxy.said.iter().skip_while(|line| *line != "Try:").skip(1).take_while(|line| !line.is_empty());
    let mut effects = Vec::new();
    for line in lines {
        let (curl, effect) =
            line.split_once("   # ").map(|(curl, effect)| (curl.trim(), effect)).expect("two parts");
        let started = Instant::now();
        let output = Command::new("sh").args(["-c", curl]).output().expect("a shell");
        let took = started.elapsed();
        let head = String::from_utf8(output.stdout).expect("UTF-8");
        let status = head.split(' ').nth(1).expect("a status; is curl installed?").to_owned();
        effects.push((effect.to_owned(), status, took));
    }
    let says: Vec<&str> = effects.iter().map(|(effect, _, _)| effect.as_str()).collect();
    let expected = [
        "passes",
        "gets 503 (abort-by-header)",
        "waits 1s (delay-by-header)",
        "waits 500ms (slow-search)",
        "waits 100ms, gets 500, 30 % of the time (flaky-checkout)",
    ];
    assert_eq!(says, expected);
    let statuses: Vec<&str> = effects.iter().map(|(_, status, _)| status.as_str()).collect();
    assert_eq!(statuses[..4], ["200", "503", "200", "200"]);
    assert!(["200", "500"].contains(&statuses[4]), "{statuses:?}");
    assert!(effects[2].2 >= Duration::from_secs(1), "{effects:?}");
    assert!(effects[3].2 >= Duration::from_millis(500), "{effects:?}");
}

#[test]
fn a_changed_document_is_in_force_once_it_is_said_to_be_and_a_wrong_one_never() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.yaml");
    fs::write(&path, abort(503)).expect("written");
    let mut proxy = Proxy::start(&[path.to_str().expect("UTF-8")]);
    let all = Some("all; abort".to_owned());
    assert_eq!(proxy.ask("/"), (503, "503".into(), all.clone()));

    replace(&path, "rules:\n- name: all\n  percentage: 100\n  abort: {http_status: 99}\n");
    proxy.wait_for("refused; the previous document stays in force");
    let place = format!("{}:4:24   rules[0].abort.http_status", path.display());
    assert!(proxy.said.iter().any(|line| line.ends_with(&place)), "{:#?}", proxy.said);
    assert_eq!(proxy.ask("/"), (503, "503".into(), all.clone()));

    replace(&path, &abort(418));
    proxy.wait_for("in force, 1 rule, confirmed by the module");
    assert_eq!(proxy.ask("/"), (418, "418".into(), all.clone()));

    // In place, as some editors do it.
    fs::write(&path, abort(429)).expect("written");
    proxy.wait_for("in force, 1 rule, confirmed by the module");
    assert_eq!(proxy.ask("/"), (429, "429".into(), all.clone()));

    fs::remove_file(&path).expect("removed");
    proxy.wait_for("); the previous document stays in force");
    assert_eq!(proxy.ask("/"), (429, "429".into(), all));
}

#[test]
fn a_request_that_is_held_finishes_under_the_document_that_held_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.json");
    let slow = r#"{"rules": [{"name": "slow", "percentage": 100, "delay": {"fixed_delay": "3s"}}]}"#;
    fs::write(&path, slow).expect("written");
    let mut proxy = Proxy::start(&[path.to_str().expect("UTF-8")]);
    let address = proxy.address;
    let held = thread::spawn(move || {
        let started = Instant::now();
        let response = ureq::get(format!("http://{address}/")).call().expect("an answer");
        let fault =
            response.headers().get("x-brownout").map(|value| value.to_str().expect("text").to_owned());
        (response.status().as_u16(), fault, started.elapsed())
    });
    proxy.wait_for("1 held now");
    replace(&path, "{}");
    proxy.wait_for("in force, 0 rules, confirmed by the module");
    assert_eq!(proxy.ask("/").2, None);
    let (status, fault, took) = held.join().expect("no panic");
    assert_eq!((status, fault), (200, Some("slow; delay".into())));
    assert!(took >= Duration::from_secs(3), "{took:?}");
}

#[test]
fn an_emptied_file_is_passed_over_and_an_empty_object_stops() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.yaml");
    fs::write(&path, abort(503)).expect("written");
    let mut proxy = Proxy::start(&[path.to_str().expect("UTF-8")]);
    fs::write(&path, "").expect("emptied");
    proxy.wait_for("empty; the previous document stays in force (`{}` stops all faults)");
    assert_eq!(proxy.ask("/").0, 503);
    fs::write(&path, "{}").expect("written");
    proxy.wait_for("in force, 0 rules, confirmed by the module");
    assert_eq!(proxy.ask("/").0, 200);
}

#[test]
fn requests_are_shown_as_they_pass_whoever_sends_them() {
    let mut proxy = Proxy::start(&["--traffic"]);
    proxy.wait_for("abort-by-header; abort");
    proxy.wait_for("delay-by-header; delay");
    proxy.ask("/mine?a=b");
    proxy.wait_for(" GET /mine?a=b ");
    let shown = |what: &str, status: &str, fault: &str| {
        proxy.said.iter().any(|line| {
            // `  13:25:46.340 GET /search?q=tea   200   504 ms   slow-search; delay`
            let words: Vec<&str> = line.split_whitespace().collect();
            let has = |at: usize, word: &str| words.get(at) == Some(&word);
            let rest = words.get(6..).unwrap_or_default().join(" ");
            words.first().is_some_and(|clock| clock.len() == "13:25:46.340".len())
                && has(1, "GET")
                && has(2, what)
                && has(3, status)
                && has(5, "ms")
                && rest == fault
        })
    };
    assert!(shown("/", "200", ""), "{:#?}", proxy.said);
    assert!(shown("/mine?a=b", "200", ""), "{:#?}", proxy.said);
    assert!(shown("/", "503", "abort-by-header; abort"), "{:#?}", proxy.said);
    assert!(shown("/", "200", "delay-by-header; delay"), "{:#?}", proxy.said);
    proxy.wait_for(" injected (abort-by-header ");
}

#[test]
fn it_ends_by_itself_after_its_duration() {
    let mut proxy = Proxy::start(&["--duration", "1s"]);
    assert_eq!(proxy.ask("/search").0, 200);
    proxy.wait_for("ended after 1 request: 0 passed, 1 injected (slow-search 1)");
    assert_eq!(proxy.ended().code(), Some(0));
    assert!(!is_alive(proxy.envoy));
}

#[test]
fn ctrl_c_and_a_plain_kill_end_envoy_too() {
    for signal in ["INT", "TERM"] {
        let mut proxy = Proxy::start(&[]);
        assert!(is_alive(proxy.envoy));
        proxy.signal(signal);
        assert_eq!(proxy.ended().code(), Some(0), "{signal}");
        assert!(!is_alive(proxy.envoy), "{signal}");
    }
}

#[test]
fn a_second_ctrl_c_ends_a_command_that_does_not_want_to_end() {
    let stubborn = "trap '' INT TERM; echo deaf now >&2; while :; do sleep 0.1; done";
    let mut proxy = Proxy::start(&["--", "sh", "-c", stubborn]);
    proxy.wait_for("deaf now");
    proxy.signal("INT");
    thread::sleep(Duration::from_millis(500));
    let asked = Instant::now();
    proxy.signal("INT");
    assert_eq!(proxy.ended().code(), Some(137));
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    assert!(!is_alive(proxy.envoy));
}

#[test]
fn the_example_can_be_had() {
    let said = say(brownout(&["run", "--print-example"]), b"");
    let example = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../envoy/demo.yaml"));
    assert_eq!((said.code, said.stdout), (Some(0), example.expect("the example")));
}

#[test]
fn envoy_ends_even_when_the_command_is_killed_without_warning() {
    let mut proxy = Proxy::start(&[]);
    assert!(is_alive(proxy.envoy));
    proxy.signal("KILL");
    assert_eq!(proxy.ended().code(), None);
    proxy.envoy_ended();
}

#[test]
fn an_envoy_that_is_killed_is_an_error() {
    let mut proxy = Proxy::start(&[]);
    assert!(
        Command::new("kill").args(["-s", "KILL", &proxy.envoy.to_string()]).status().expect("kill").success()
    );
    proxy.wait_for("error: Envoy exited unexpectedly");
    assert_eq!(proxy.ended().code(), Some(2));
}

/// A service that answers with the `host` header it got.
fn service() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut lines =
                BufReader::new(&stream).lines().map_while(Result::ok).take_while(|line| !line.is_empty());
            let host = lines.find_map(|line| line.strip_prefix("host: ").map(str::to_owned));
            lines.for_each(drop);
            let body = host.unwrap_or_default();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            // A client that is gone has its response or does not want it.
            let _ = (&stream).write_all((head + &body).as_bytes());
        }
    });
    address
}

#[test]
fn a_service_of_the_user_gets_the_requests_under_its_own_name() {
    let port = service().port();
    let proxy = Proxy::start(&["--upstream", &format!("http://localhost:{port}")]);
    assert_eq!(proxy.ask("/"), (200, format!("localhost:{port}"), None));
    assert!(proxy.said.iter().all(|line| !line.starts_with("warning")), "{:#?}", proxy.said);
}

#[test]
fn a_service_of_the_user_may_get_the_host_that_the_client_sent() {
    let port = service().port();
    let proxy = Proxy::start(&["--keep-host", "--upstream", &format!("http://localhost:{port}")]);
    let address = proxy.address.to_string();
    assert_eq!(proxy.ask("/"), (200, address, None));
}

#[test]
fn traffic_is_sent_to_a_service_of_the_user_only_if_that_is_asked_for_and_changes_nothing_there() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.yaml");
    let rules = "rules:\n- {name: read, percentage: 100, match: {path: {exact: /read}}, delay: {fixed_delay: 1ms}}\n\
                 - {name: write, percentage: 100, match: {methods: [POST]}, delay: {fixed_delay: 1ms}}\n";
    fs::write(&path, rules).expect("written");
    let (path, upstream) = (path.to_str().expect("UTF-8"), format!("http://{}", service()));
    let mut quiet = Proxy::start(&[path, "--upstream", &upstream, "--traffic", "--duration", "3s"]);
    quiet.wait_for("ended after 0 requests: 0 passed, 0 injected");
    let mut asked = Proxy::start(&[path, "--upstream", &upstream, "--traffic=upstream", "--duration", "3s"]);
    asked.wait_for("ended after ");
    assert!(asked.said.iter().any(|line| line.contains(" GET /read ")), "{:#?}", asked.said);
    assert!(asked.said.iter().all(|line| !line.ends_with("write; delay")), "{:#?}", asked.said);
}

#[test]
fn passed_means_passed_and_a_failure_of_the_service_is_told_apart() {
    let proxy = Proxy::start(&["--upstream", "http://127.0.0.1:1", "--duration", "2s"]);
    assert_eq!(proxy.ask("/").0, 503);
    let mut proxy = proxy;
    proxy.wait_for("ended after 1 request: 0 passed, 0 injected, 1 not answered by the service");
    assert!(
        proxy.said.iter().any(|line| line.ends_with("(no answer from the service)")),
        "{:#?}",
        proxy.said
    );
}

#[test]
fn a_service_that_is_not_there_is_warned_about_and_faults_happen_all_the_same() {
    // A port that no system hands out as a free one.
    let upstream = "http://127.0.0.1:1";
    let proxy = Proxy::start(&["--upstream", upstream]);
    assert!(proxy.said.contains(&format!("warning: nothing answers at {upstream} yet")), "{:#?}", proxy.said);
    assert_eq!(proxy.ask("/search").2, Some("slow-search; delay".into()));
}

fn refused(arguments: &[&str]) -> Said {
    let mut command = brownout(&["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"]);
    command.args(arguments).env("BROWNOUT_MODULE", module());
    say(command, b"")
}

fn error(code: i32, message: &str) -> Said {
    Said { code: Some(code), stdout: String::new(), stderr: format!("error: {message}\n") }
}

#[test]
fn a_taken_port_is_named_with_the_flag_that_changes_it() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    for (flag, what) in [("--listen", "the proxy"), ("--admin", "Envoy's admin interface")] {
        let other = if flag == "--listen" { "--admin" } else { "--listen" };
        let mut command = brownout(&["run", flag, &address, other, "127.0.0.1:0"]);
        command.env("BROWNOUT_MODULE", module());
        let message = format!(
            "{what} cannot listen on {address}: the address is in use; choose another with `{flag}` \
             ({flag} 127.0.0.1:0 picks a free port)"
        );
        assert_eq!(say(command, b""), error(2, &message));
    }
}

#[test]
fn a_module_that_is_missing_or_none_is_named_with_the_way_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = brownout(&["run"]);
    command.env("BROWNOUT_MODULE", "/nowhere/brownout.wasm");
    let way_out = "remove `--module` and `BROWNOUT_MODULE` to use the built-in module";
    let message = format!(
        "cannot read the module `/nowhere/brownout.wasm`: No such file or directory (os error 2); {way_out}"
    );
    assert_eq!(say(command, b""), error(2, &message));
    let text = folder.path().join("text.wasm");
    fs::write(&text, "hello").expect("written");
    let message = format!("`{}` is not a Wasm module; {way_out}", text.display());
    assert_eq!(refused(&["--module", text.to_str().expect("UTF-8")]), error(2, &message));
    let mut command = brownout(&["run"]);
    command.current_dir(folder.path());
    let message = "this command has no built-in module, and there is no `dist/brownout.wasm` here: run `make build`, \
                   or set `--module` or `BROWNOUT_MODULE` to a module";
    assert_eq!(say(command, b""), error(2, message));
}

#[test]
fn a_module_that_envoy_cannot_run_ends_in_2_before_anything_is_said_to_run() {
    let folder = tempfile::tempdir().expect("a folder");
    let broken = folder.path().join("broken.wasm");
    fs::write(&broken, b"\0asm\x01\0\0\0").expect("written");
    let found = refused(&["--module", broken.to_str().expect("UTF-8")]);
    assert_eq!((found.code, found.stdout.as_str()), (Some(2), ""));
    let start = format!("error: Envoy cannot run the module ({}); the end of its log:\n", broken.display());
    assert!(found.stderr.contains(&start), "{}", found.stderr);
    assert!(!found.stderr.contains("Try:"), "{}", found.stderr);
}

#[test]
fn an_envoy_that_is_none_is_refused_with_the_way_out() {
    let message = "`/bin/sh` is not Envoy: `--version` does not print Envoy's version; set `--envoy` or \
                   `BROWNOUT_ENVOY` to another Envoy, or remove both to download one";
    assert_eq!(refused(&["--envoy", "/bin/sh"]), error(2, message));
}

#[test]
fn a_wrong_document_ends_in_1_and_shows_its_mistakes_before_anything_is_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("faults.yaml");
    fs::write(&path, "mode: loud\n").expect("written");
    let path = path.to_str().expect("UTF-8");
    let found = refused(&[path]);
    assert_eq!(found.code, Some(1));
    let start = format!("error: invalid mode\n --> {path}:1:7   mode\n");
    assert!(found.stderr.starts_with(&start), "{}", found.stderr);
}

#[test]
fn wrong_usage_ends_in_2_and_says_what_is_right() {
    let says = |arguments: &[&str], text: &str| {
        let mut command = brownout(&["run"]);
        command.args(arguments);
        let found = say(command, b"");
        assert_eq!(found.code, Some(2), "{arguments:?}");
        assert!(found.stderr.contains(text), "{}", found.stderr);
    };
    says(&["/nowhere/faults.yaml"], "cannot read `/nowhere/faults.yaml`: No such file");
    says(&["--upstream", "localhost:8080"], "expected a URL such as `http://localhost:8080`");
    says(&["--upstream", "http://a/b"], "remove `/b`: the path comes from each request");
    says(&["--duration", "12"], "expected a duration such as");
    says(&["--listen", "here"], "expected an address such as `127.0.0.1:10000`");
    says(&["--upstream", "http://127.0.0.1:10000"], "http://127.0.0.1:10000 is the proxy itself");
    says(
        &["--expect-injected", "nobody"],
        "`--expect-injected`: the document has no rule `nobody`; its rules: abort-by-header",
    );
    says(&["a.yaml", "b.yaml"], "unexpected argument 'b.yaml'");
}

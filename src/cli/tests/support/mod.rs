//! The command as a black box: its binary, and a proxy that it runs.

#![allow(dead_code, reason = "each suite uses a part")]

pub mod registry;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// A first run downloads Envoy.
const START: Duration = Duration::from_secs(300);
const DEADLINE: Duration = Duration::from_secs(20);

/// The command, without what the environment says about it.
pub fn brownout(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_brownout"));
    command.args(arguments);
    for variable in ["BROWNOUT_MODULE", "NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command
}

/// The output of a finished command, and its exit code.
#[derive(Debug, PartialEq, Eq)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Runs it to its end, with this on its standard input.
pub fn say(mut command: Command, stdin: &[u8]) -> Said {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut pipe = child.stdin.take().expect("a pipe");
    // It may end without reading what it is not asked to read.
    if let Err(error) = pipe.write_all(stdin) {
        assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    }
    drop(pipe);
    child.wait_with_output().expect("it ends").into()
}

/// The module that `make wasm` builds.
pub fn module() -> PathBuf {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist/brownout.wasm");
    path.canonicalize().expect("no dist/brownout.wasm: run `make wasm` first")
}

/// A proxy on free ports.
pub struct Proxy {
    child: Child,
    lines: Receiver<String>,
    /// Everything it has said so far that was waited for.
    pub said: Vec<String>,
    pub address: SocketAddr,
    /// Envoy's process id.
    pub envoy: u32,
}

impl Proxy {
    /// Starts one, and waits until it has printed what to try.
    pub fn start(arguments: &[&str]) -> Self {
        // Beside a command there is nothing to try.
        let last = if arguments.contains(&"--") { "  log " } else { "Ctrl-C ends everything" };
        let mut child = brownout(&["run", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--module"])
            .arg(module())
            .args(arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let stderr = BufReader::new(child.stderr.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        let address = "127.0.0.1:0".parse().expect("an address");
        let mut proxy = Self { child, lines, said: Vec::new(), address, envoy: 0 };
        proxy.wait(START, last);
        let after = |mark: &str, end: &str| {
            let line = proxy.said.iter().find_map(|line| line.split_once(mark)).expect("a line with it").1;
            line.split(end).next().expect("a word").to_owned()
        };
        proxy.address = after("proxy   http://", " ").parse().expect("an address");
        proxy.envoy = after("(process ", ")").parse().expect("a process id");
        proxy
    }

    /// Waits for a line that contains this.
    pub fn wait_for(&mut self, text: &str) {
        self.wait(DEADLINE, text);
    }

    fn wait(&mut self, deadline: Duration, text: &str) {
        let end = Instant::now() + deadline;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line with `{text}` in:\n{}", self.said.join("\n"));
            };
            self.said.push(line);
            if self.said.last().is_some_and(|line| line.contains(text)) {
                return;
            }
        }
    }

    /// Asks it for a path: the status of the answer, its body, and the header that says which fault was injected.
    pub fn ask(&self, path: &str) -> (u16, String, Option<String>) {
        let agent: ureq::Agent =
            ureq::Agent::config_builder().http_status_as_error(false).proxy(None).build().into();
        let mut response = agent.get(format!("http://{}{path}", self.address)).call().expect("an answer");
        let fault =
            response.headers().get("x-brownout").map(|value| value.to_str().expect("text").to_owned());
        (response.status().as_u16(), response.body_mut().read_to_string().expect("a body"), fault)
    }

    /// Sends the command a signal by its name, such as `TERM`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("kill starts").success());
    }

    /// Waits until the command has ended; panics after `DEADLINE`.
    pub fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + DEADLINE;
        while Instant::now() < end {
            if let Some(status) = self.child.try_wait().expect("a child of ours") {
                return status;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("the command has not ended after {DEADLINE:?}");
    }

    /// Waits until Envoy is gone.
    pub fn envoy_ended(&self) {
        let end = Instant::now() + DEADLINE;
        while is_alive(self.envoy) {
            assert!(Instant::now() < end, "Envoy has not ended after {DEADLINE:?}");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        // Asked to end, it also removes its folder. One that has ended already cannot be asked.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal("TERM");
            let _ = self.child.wait();
        }
    }
}

pub fn is_alive(pid: u32) -> bool {
    Command::new("kill")
        .args(["-0", &pid.to_string()])
        .stderr(Stdio::null())
        .status()
        .expect("kill starts")
        .success()
}

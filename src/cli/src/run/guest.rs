//! The user's command that runs while the proxy is up: `brownout run FILE -- pytest`.

use signal_hook::consts::SIGTERM;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A shell's exit status for a command that does not exist.
const NOT_FOUND: u8 = 127;
/// A shell's exit status for a command that cannot be executed.
const NOT_EXECUTABLE: u8 = 126;

/// The user's command.
#[derive(Debug)]
pub struct Guest {
    child: Child,
    asked_to_end: bool,
}

impl Guest {
    /// Starts the command with environment variables for the proxy. If our own standard output carries JSON, that of
    /// the command goes to standard error.
    ///
    /// # Errors
    /// When the program cannot be run: the exit status that a shell would give, and a message.
    pub fn start(
        line: &[OsString],
        variables: &[(&str, String)],
        shares_stdout: bool,
    ) -> Result<Self, (u8, String)> {
        let Some((program, arguments)) = line.split_first() else {
            return Err((NOT_FOUND, "no command after `--`".into()));
        };
        let mut command = Command::new(program);
        command.args(arguments).envs(variables.iter().map(|(name, value)| (name, value)));
        if !shares_stdout && let Ok(stderr) = io::stderr().as_fd().try_clone_to_owned() {
            command.stdout(Stdio::from(stderr));
        }
        match command.spawn() {
            Ok(child) => Ok(Self { child, asked_to_end: false }),
            Err(error) => {
                let code = if error.kind() == io::ErrorKind::NotFound { NOT_FOUND } else { NOT_EXECUTABLE };
                Err((code, format!("cannot run `{}`: {error}", program.display())))
            }
        }
    }

    /// Returns its exit status, as a shell would give it, once it has ended.
    pub fn ended(&mut self) -> Option<u8> {
        self.child.try_wait().ok().flatten().map(code)
    }

    /// Sends SIGTERM, once. A Ctrl-C in the terminal reaches the command too, so this is for other ways of stopping.
    pub fn ask_to_end(&mut self) {
        if !std::mem::replace(&mut self.asked_to_end, true)
            && let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed())
        {
            // It may already have ended.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(SIGTERM));
    u8::try_from(code).unwrap_or(u8::MAX)
}

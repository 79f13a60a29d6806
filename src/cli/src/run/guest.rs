//! The command that runs beside the proxy: `brownout run FILE -- pytest`.

use signal_hook::consts::SIGTERM;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitStatus, Stdio};

/// The exit status of a shell for a command that it does not find.
const NOT_FOUND: u8 = 127;
/// And for one that it may not run.
const NOT_EXECUTABLE: u8 = 126;

/// A command of the user's.
#[derive(Debug)]
pub struct Guest {
    child: Child,
    asked_to_end: bool,
}

impl Guest {
    /// Starts it with variables that tell it of the proxy. If our own standard output is for programs to read, the
    /// command's goes to standard error.
    ///
    /// # Errors
    /// When there is no such program: the exit status that a shell would have.
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

    /// Its exit status, once it has ended: as a shell would give it.
    pub fn ended(&mut self) -> Option<u8> {
        self.child.try_wait().ok().flatten().map(code)
    }

    /// Asks it to end. A Ctrl-C in the terminal has reached it too, so that this is for the other ways.
    pub fn ask_to_end(&mut self) {
        if !std::mem::replace(&mut self.asked_to_end, true)
            && let Some(pid) = rustix::process::Pid::from_raw(self.child.id().cast_signed())
        {
            // It may have ended by itself.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }

    /// Ends it, whether it wants to or not.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn code(status: ExitStatus) -> u8 {
    let code = status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or(SIGTERM));
    u8::try_from(code).unwrap_or(u8::MAX)
}

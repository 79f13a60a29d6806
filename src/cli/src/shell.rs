//! `brownout completions` and `brownout man`: shell completions and manual pages, generated from the command itself.

use crate::terminal::{Done, unusable};
use clap::Command;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Print a shell completion script
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout completions bash > ~/.local/share/bash-completion/completions/brownout
  brownout completions zsh > ~/.zfunc/_brownout
  brownout completions fish > ~/.config/fish/completions/brownout.fish")]
pub struct Completions {
    /// The shell.
    #[arg(value_name = "SHELL")]
    shell: clap_complete::Shell,
}

/// Print the manual page of `brownout`, or write one page for each subcommand
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  brownout man | man -l -
  brownout man --dir ~/.local/share/man/man1")]
pub struct Manual {
    /// Write one page for each command to this folder.
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

/// Prints the completions for a shell.
pub fn completions(mut command: Command, arguments: &Completions) -> Done {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "brownout", &mut script);
    ended(io::stdout().write_all(&script), Path::new("standard output"))
}

/// Prints or writes manual pages.
pub fn manual(command: Command, arguments: &Manual) -> Done {
    let Some(folder) = &arguments.dir else {
        let page = clap_mangen::Man::new(command).render(&mut io::stdout());
        return ended(page, Path::new("standard output"));
    };
    let written = std::fs::create_dir_all(folder).and_then(|()| clap_mangen::generate_to(command, folder));
    ended(written, folder)
}

/// Maps a write error to an exit code. A broken pipe is not a failure: the reader has seen enough.
fn ended(written: io::Result<()>, place: &Path) -> Done {
    match written {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(unusable(format_args!("cannot write to {}: {error}", place.display())))
        }
        _ => Ok(()),
    }
}

//! The `brownout` command, as a library for its thin binary and for the test suites.
//!
//! [`envoy`] finds, starts and queries a real Envoy; it knows nothing about faults, and every test suite that needs a
//! proxy uses it. [`document`] reads what users write, and [`report`] shows them their mistakes. Each command has a
//! module of the same name.

pub mod arguments;
pub mod check;
pub mod document;
pub mod envoy;
pub mod evidence;
pub mod explain;
pub mod image;
pub mod import;
pub mod input;
pub mod manifest;
pub mod module;
pub mod push;
pub mod render;
pub mod report;
pub mod request;
pub mod run;
pub mod schema;
pub mod shell;
pub mod simulate;
pub mod statistics;
pub mod terminal;
pub mod verify;

use clap::{CommandFactory, Parser};
use std::process::ExitCode;

const AFTER_HELP: &str = "\
Examples:
  brownout check faults.yaml
  brownout run faults.yaml --upstream http://127.0.0.1:8080

Data goes to standard output, everything else to standard error. Exit codes: 0 success; 1 a document is wrong, or a \
check failed; 2 wrong usage, or something cannot be read, written or started. Set NO_COLOR to turn colours off.";

/// Fault injection for HTTP and gRPC traffic in Envoy, driven by a document of rules
#[derive(Debug, Parser)]
#[command(name = "brownout", version, propagate_version = true, after_help = AFTER_HELP)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The largest file or Envoy response to read, in bytes or with a unit (KiB, MiB, GiB).
    #[arg(long, value_name = "SIZE", global = true, default_value = "64MiB", value_parser = input::size)]
    max_input: u64,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Push(push::Arguments),
    Check(check::Arguments),
    Explain(Box<explain::Arguments>),
    Simulate(Box<simulate::Arguments>),
    Import(import::Arguments),
    Image(image::Arguments),
    Render(render::Arguments),
    Schema(schema::Arguments),
    Completions(shell::Completions),
    Man(shell::Manual),
    Verify(verify::Arguments),
}

/// Returns the clap command with all its subcommands, for manual pages, completions and tests.
pub fn command() -> clap::Command {
    Arguments::command()
}

/// Runs the command with the arguments of the process. The exit code is 0 on success, 1 if a document is wrong or a
/// check failed, and 2 for wrong usage or if something cannot be read, written or started.
pub fn main() -> ExitCode {
    let Arguments { command, max_input } = Arguments::parse();
    input::set_most(max_input);
    terminal::exit_code(match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Push(arguments) => push::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Simulate(arguments) => simulate::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Image(arguments) => image::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Schema(arguments) => schema::run(&arguments),
        Command::Completions(arguments) => shell::completions(self::command(), &arguments),
        Command::Man(arguments) => shell::manual(self::command(), &arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    })
}

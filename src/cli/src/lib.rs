//! The `brownout` command, as a library for its thin binary and for the suites.
//!
//! [`envoy`] finds, starts and asks a real Envoy; it knows nothing of faults, and every suite that needs a
//! proxy uses it. [`document`] reads what people write, [`report`] shows them their mistakes. Each command has a
//! module of its name.

pub mod check;
pub mod document;
pub mod envoy;
pub mod evidence;
pub mod explain;
pub mod image;
pub mod import;
pub mod manifest;
pub mod module;
pub mod render;
pub mod report;
pub mod request;
pub mod run;
pub mod verify;

use clap::Parser;
use std::process::ExitCode;

/// Faults for HTTP and gRPC traffic in Envoy, from a document: aborts and delays, for the requests it selects.
#[derive(Debug, Parser)]
#[command(name = "brownout", version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Run(run::Arguments),
    Check(check::Arguments),
    Explain(Box<explain::Arguments>),
    Import(import::Arguments),
    Image(image::Arguments),
    Render(render::Arguments),
    Verify(verify::Arguments),
}

/// Runs the command with the arguments of the process. Its exit code is 0 when all is good, 1 when a document is
/// wrong, 2 for wrong usage and for what cannot be read, written or started.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Check(arguments) => check::run(&arguments),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Import(arguments) => import::run(&arguments),
        Command::Image(arguments) => image::run(&arguments),
        Command::Render(arguments) => render::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
    }
}

//! The entry point of the `brownout` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    brownout_cli::main()
}

//! Help, completions and manual pages: what they say works.

mod support;

use clap::Command;
use std::fs;
use std::path::Path;
use support::{brownout, say};

/// The examples in the help of a command and of those inside it, without the indentation.
fn examples(command: &Command) -> Vec<String> {
    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let lines = help.lines().skip_while(|line| !line.starts_with("Example")).skip(1);
    let here = lines.take_while(|line| line.starts_with("  ")).map(|line| line.trim().to_owned());
    here.chain(command.get_subcommands().flat_map(examples)).collect()
}

fn all() -> Vec<String> {
    examples(&brownout_cli::command())
}

#[test]
fn every_example_is_usage_that_the_command_takes() {
    for example in all() {
        let alone = example.split(['|', '>', '<', '&']).next().expect("a command");
        // A shell takes the words apart, and looks at no files.
        let split = format!("set -f; printf '%s\\n' {alone}");
        let output = std::process::Command::new("sh").args(["-c", &split]).output().expect("a shell");
        let words = String::from_utf8(output.stdout).expect("UTF-8");
        let words = words.lines().map(|word| word.replace('*', "all"));
        let taken = brownout_cli::command().try_get_matches_from(words);
        assert_eq!(taken.err().map(|error| error.to_string()), None, "{example}");
    }
}

/// The beginning of an example, the minimum number of such examples, and whether its standard error is empty. None of
/// them starts an Envoy or reads files that are not here.
const QUICK: [(&str, usize, bool); 6] = [
    ("brownout check", 3, false),
    ("brownout schema", 1, false),
    ("brownout completions", 3, false),
    ("brownout man --dir", 1, false),
    ("brownout explain", 3, true),
    ("brownout simulate", 3, true),
];

/// In a shell, where the files are that they name.
#[test]
fn the_quick_examples_do_what_they_say() {
    let folder = tempfile::tempdir().expect("a folder");
    let document = "rules:\n- name: a\n  match: { methods: [PUT] }\n  percentage: 1\n  schedule: { not_after: \"2999-01-01T00:00:00Z\" }\n  \
         abort: { http_status: 503 }\n";
    fs::create_dir(folder.path().join("manifests")).expect("a folder");
    for file in ["faults.yaml", "manifests/a.yaml"] {
        fs::write(folder.path().join(file), document).expect("written");
    }
    let certain = r#"{"rules": [{"name": "r", "percentage": 1, "abort": {"http_status": 503}}]}"#;
    fs::write(folder.path().join("checkout.json"), certain).expect("written");
    let homes = [".zfunc", ".config/fish/completions", ".local/share/bash-completion/completions"];
    homes.iter().for_each(|home| fs::create_dir_all(folder.path().join(home)).expect("a folder"));
    let bin = Path::new(env!("CARGO_BIN_EXE_brownout")).parent().expect("a folder");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    for (start, fewest, is_quiet) in QUICK {
        let examples: Vec<String> = all().into_iter().filter(|line| line.starts_with(start)).collect();
        assert!(examples.len() >= fewest, "{start}: {examples:?}");
        for example in examples {
            let mut shell = std::process::Command::new("sh");
            shell
                .args(["-c", &example])
                .current_dir(folder.path())
                .env("HOME", folder.path())
                .env("PATH", &path);
            let said = say(shell, b"");
            assert_eq!(said.code, Some(0), "{example}: {}", said.stderr);
            assert!(!is_quiet || said.stderr.is_empty(), "{example}: {}", said.stderr);
        }
    }
}

#[test]
fn completions_know_every_command() {
    for shell in ["bash", "zsh", "fish"] {
        let said = say(brownout(&["completions", shell]), b"");
        assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{shell}");
        for command in brownout_cli::command().get_subcommands() {
            assert!(said.stdout.contains(command.get_name()), "{shell}: {}", command.get_name());
        }
    }
}

#[test]
fn the_completions_for_bash_are_bash() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("brownout");
    fs::write(&script, say(brownout(&["completions", "bash"]), b"").stdout).expect("written");
    let test = format!(
        "source {}; COMP_WORDS=(brownout chec); COMP_CWORD=1; _brownout brownout chec brownout; echo ${{COMPREPLY[@]}}",
        script.display()
    );
    let output = std::process::Command::new("bash").args(["-c", &test]).output().expect("bash starts");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "check\n",
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn there_is_a_manual_page_for_every_command() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = brownout(&["man", "--dir"]);
    command.arg(folder.path());
    assert_eq!(say(command, b"").code, Some(0));
    for command in brownout_cli::command().get_subcommands() {
        let page = folder.path().join(format!("brownout-{}.1", command.get_name()));
        let page = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        assert!(page.contains(".SH SYNOPSIS"), "{}", command.get_name());
    }
    let page = say(brownout(&["man"]), b"");
    assert!(page.stdout.contains(".TH brownout 1"), "{}", page.stdout);
    assert!(page.stdout.contains("NO_COLOR"), "{}", page.stdout);
}

/// Of the command, of each command in it, and of those inside of these: the words that lead there.
fn commands(command: &Command, way: &[String]) -> Vec<Vec<String>> {
    let inside = command.get_subcommands().filter(|inside| inside.get_name() != "help");
    let below = inside.flat_map(|inside| commands(inside, &[way, &[inside.get_name().to_owned()]].concat()));
    std::iter::once(way.to_vec()).chain(below).collect()
}

/// Returns what the command says at 100 columns, whatever the terminal and the environment.
fn help(way: &[String], flag: &str) -> String {
    let mut command = brownout(&[]);
    command.args(way).arg(flag).env_clear().env("COLUMNS", "100");
    let said = say(command, b"");
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{way:?} {flag}");
    // Blank lines inside of a list come with its indentation.
    said.stdout.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Compares with `help/NAME.short` and `help/NAME.long`. `BROWNOUT_BLESS=1` writes them anew.
#[test]
fn the_help_of_every_command_is_its_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/help");
    let mut files = Vec::new();
    for way in commands(&brownout_cli::command(), &[]) {
        let name = [&["brownout".to_owned()], way.as_slice()].concat().join("-");
        for (flag, end) in [("-h", "short"), ("--help", "long")] {
            let said = help(&way, flag);
            let file = folder.join(format!("{name}.{end}"));
            if std::env::var_os("BROWNOUT_BLESS").is_some() {
                fs::write(&file, &said).expect("written");
            }
            let golden = fs::read_to_string(&file).unwrap_or_default();
            assert_eq!(said, golden, "{name} {flag}: BROWNOUT_BLESS=1 writes {}", file.display());
            files.push(file);
        }
    }
    let entries = fs::read_dir(&folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let stale: Vec<_> = entries.filter(|path| !files.contains(path)).collect();
    assert_eq!(stale, Vec::<std::path::PathBuf>::new(), "files of no command");
}

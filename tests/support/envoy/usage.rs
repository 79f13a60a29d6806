//! The resources that a process uses, as reported by Linux.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Returns the resident memory, in bytes.
pub(super) fn resident_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Envoy runs, on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib * 1024
}

/// Returns the CPU time of each of Envoy's worker threads, in order of their numbers.
pub(super) fn worker_time(pid: u32) -> Vec<Duration> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("Envoy runs, on Linux");
    let mut workers: Vec<_> = threads
        .filter_map(|thread| {
            let thread = thread.expect("a readable directory").path();
            let name = read(&thread, "comm")?;
            let spent = read(&thread, "schedstat")?.split(' ').next()?.parse().ok()?;
            name.starts_with("wrk:").then(|| (name, Duration::from_nanos(spent)))
        })
        .collect();
    workers.sort();
    workers.into_iter().map(|(_, spent)| spent).collect()
}

/// Reads a file of a thread; `None` if the thread has ended meanwhile.
fn read(thread: &Path, file: &str) -> Option<String> {
    fs::read_to_string(thread.join(file)).ok()
}

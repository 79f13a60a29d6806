//! What a process costs, as Linux tells it.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// Memory that is in RAM now, in bytes.
pub(super) fn resident_memory(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("Envoy runs, on Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let kib: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of KiB");
    kib * 1024
}

/// Processor time of each thread that is a worker of Envoy's, in the order of their numbers.
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

/// A thread may end meanwhile.
fn read(thread: &Path, file: &str) -> Option<String> {
    fs::read_to_string(thread.join(file)).ok()
}

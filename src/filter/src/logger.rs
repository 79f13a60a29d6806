//! Writes the `log` crate's output to Envoy's log.

use crate::host;
use brownout_core::stop::{Ends, StopWhen};
use brownout_core::{Diagnostic, Plan};
use log::{Level, LevelFilter, Log, Metadata, Record};
use proxy_wasm::types::LogLevel;

struct Logger;

impl Log for Logger {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = match record.level() {
            Level::Error => LogLevel::Error,
            Level::Warn => LogLevel::Warn,
            Level::Info => LogLevel::Info,
            Level::Debug => LogLevel::Debug,
            Level::Trace => LogLevel::Trace,
        };
        host::log(level, &record.args().to_string());
    }

    fn flush(&self) {}
}

/// Starts logging at the host's level: lines below it are not even formatted.
pub fn init() {
    // The logger is already set if this is a second plugin in this VM.
    let _ = log::set_logger(&Logger);
    log::set_max_level(match host::log_level() {
        Ok(0) => LevelFilter::Trace,
        Ok(1) => LevelFilter::Debug,
        Ok(2) => LevelFilter::Info,
        Ok(3) => LevelFilter::Warn,
        _ => LevelFilter::Error,
    });
}

/// The maximum number of mistakes logged per document.
const MOST_MISTAKES: usize = 50;

/// Logs everything that is wrong with a document: whoever pushed it sees at most that it was refused.
pub fn refused(what: &str, mistakes: &[Diagnostic]) {
    for mistake in mistakes.iter().take(MOST_MISTAKES) {
        log::error!("brownout: {what} refused: {mistake}");
    }
    if mistakes.len() > MOST_MISTAKES {
        log::error!("brownout: {what} refused: {} more mistakes", mistakes.len() - MOST_MISTAKES);
    }
}

/// Logs that injection has stopped.
pub fn stopped(ends: Ends, plan: &Plan) {
    let Some(StopWhen { error_percentage, window, .. }) = plan.stop_when() else { return };
    let Ends { all, failed } = ends;
    log::warn!(
        "brownout: stopped: {failed} of {all} exchanges without an injected fault failed within {window}, which is \
         {error_percentage} % or more; nothing is injected until another document arrives"
    );
}

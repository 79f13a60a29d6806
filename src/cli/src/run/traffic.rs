//! Demo traffic: repeats the requests listed under "Try:".

use super::example::Example;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// The interval between demo requests.
const EVERY: Duration = Duration::from_millis(500);
/// The timeout of a demo request.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most requests in flight: a rule that hangs must not use up all threads.
const MOST_AT_ONCE: usize = 32;

/// The services that demo traffic goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum To {
    /// Only the built-in demo service.
    Demo,
    /// Also the service of `--upstream`, with GET and HEAD requests only.
    Upstream,
}

/// The requests to send in turn. A new document replaces them.
#[derive(Debug, Clone, Default)]
pub struct DemoTraffic(Arc<Mutex<Vec<Example>>>);

impl DemoTraffic {
    /// Replaces the requests to send.
    pub fn send(&self, examples: Vec<Example>) {
        if let Ok(mut current) = self.0.lock() {
            *current = examples;
        }
    }

    /// Starts sending, until the process ends.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(&self, proxy: SocketAddr) -> io::Result<()> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .proxy(None)
            .http_status_as_error(false)
            .max_redirects(0)
            .build()
            .into();
        let (traffic, waiting) = (self.clone(), Arc::new(AtomicUsize::new(0)));
        let sender = move || {
            for number in 0.. {
                let next = traffic.0.lock().ok().and_then(|all| all.get(number % all.len().max(1)).cloned());
                if let Some(example) = next
                    && waiting.load(Ordering::Relaxed) < MOST_AT_ONCE
                {
                    waiting.fetch_add(1, Ordering::Relaxed);
                    let (agent, done) = (agent.clone(), Arc::clone(&waiting));
                    let ask = move || {
                        // The access log shows the outcome, as for all other requests.
                        let _ = example.request(proxy).map(|request| agent.run(request));
                        done.fetch_sub(1, Ordering::Relaxed);
                    };
                    if thread::Builder::new().name("demo-request".into()).spawn(ask).is_err() {
                        waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                }
                thread::sleep(EVERY);
            }
        };
        thread::Builder::new().name("demo-traffic".into()).spawn(sender).map(drop)
    }
}

//! The arrival times of requests.

use super::drive::Chance;
use crate::request::{Request, Unusable};
use brownout_core::entropy::Entropy;
use std::time::Duration;

/// The number of requests and their arrival times.
#[derive(Debug, Clone, PartialEq)]
pub enum Pace {
    /// A fixed number: time is split into as many equal spans, and one request arrives at a random moment of each.
    Even {
        requests: u32,
        /// The number of requests per second.
        rate: f64,
    },
    /// At these times after the beginning.
    Recorded(Vec<Duration>),
}

impl Pace {
    /// Chooses the pace from a number, a rate, a duration, or two of these.
    ///
    /// # Errors
    /// All three are given, or they make no requests or too many.
    pub fn choose(chosen: (Option<u32>, Option<f64>, Option<Duration>)) -> Result<Self, Unusable> {
        let wrong = |reason: &str| Unusable::Wrong { place: "--duration".into(), reason: reason.into() };
        let whole = |rate: f64, duration: Duration| {
            let requests = (rate * duration.as_secs_f64()).round();
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is in range")]
            let count = (1.0..=1e8).contains(&requests).then_some(requests as u32);
            count.ok_or_else(|| wrong("that makes no requests, or more than a hundred million"))
        };
        let (requests, rate) = match chosen {
            (Some(_), Some(_), Some(_)) => {
                return Err(wrong("give at most two of --requests, --rate and --duration"));
            }
            (Some(_), None, Some(duration)) if duration.is_zero() => {
                return Err(wrong("must be greater than zero"));
            }
            (Some(requests), None, Some(duration)) => {
                (requests, f64::from(requests) / duration.as_secs_f64())
            }
            (Some(requests), rate, None) => (requests, rate.unwrap_or(1000.0)),
            (None, rate, Some(duration)) => {
                let rate = rate.unwrap_or(1000.0);
                (whole(rate, duration)?, rate)
            }
            (None, rate, None) => (1_000_000, rate.unwrap_or(1000.0)),
        };
        Ok(Self::Even { requests, rate })
    }

    pub fn requests(&self) -> u32 {
        match self {
            Self::Even { requests, .. } => *requests,
            Self::Recorded(times) => u32::try_from(times.len()).unwrap_or(u32::MAX),
        }
    }

    /// From the beginning to the last request.
    pub fn duration(&self) -> Duration {
        match self {
            Self::Even { requests, rate } => Duration::from_secs_f64(f64::from(*requests) / rate),
            Self::Recorded(times) => times.last().copied().unwrap_or_default(),
        }
    }
}

/// Returns the pace of recorded requests: `None` if any has no time, or if they are not in order of time.
pub fn recorded(requests: &[Request]) -> Option<Pace> {
    let sent: Vec<_> = requests.iter().map(|request| request.sent).collect::<Option<_>>()?;
    let first = *sent.first()?;
    let times: Vec<Duration> = sent.into_iter().map(|sent| sent.since(first)).collect::<Option<_>>()?;
    times.is_sorted().then_some(Pace::Recorded(times))
}

/// The arrival times, one after another.
pub struct Arrivals<'p> {
    pace: &'p Pace,
    next: u32,
    chance: Chance,
}

impl<'p> Arrivals<'p> {
    /// Creates the arrivals for a pace. Their randomness is independent of the engine's: a different document does not
    /// change them.
    pub fn new(pace: &'p Pace, seed: u64) -> Self {
        Self { pace, next: 0, chance: Chance::seeded(!seed) }
    }
}

impl Arrivals<'_> {
    /// From the beginning to the last one.
    pub fn duration(&self) -> Duration {
        self.pace.duration()
    }
}

impl Iterator for Arrivals<'_> {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let index = self.next;
        if index >= self.pace.requests() {
            return None;
        }
        self.next += 1;
        Some(match self.pace {
            Pace::Recorded(times) => times.get(index as usize).copied()?,
            Pace::Even { rate, .. } => {
                #[allow(clippy::cast_precision_loss, reason = "53 bits fit")]
                let within = (self.chance.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
                Duration::from_secs_f64((f64::from(index) + within) / rate)
            }
        })
    }
}

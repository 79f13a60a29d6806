//! Waiting with a deadline for something outside this process.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// The longest that anything in the tests may take on a busy machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(20);

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(10);

/// Polls until there is an answer.
///
/// # Panics
/// When there is none within [`PATIENCE`]; the message names `what` was awaited.
pub async fn until<T, F, A>(what: &str, mut ask: F) -> T
where
    F: FnMut() -> A,
    A: Future<Output = Option<T>>,
{
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await {
            return answer;
        }
        assert!(Instant::now() < end, "still waiting after {PATIENCE:?}: {what}");
        tokio::time::sleep(BETWEEN_QUESTIONS).await;
    }
}

/// Polls until the answer is `expected`.
///
/// # Panics
/// When it is not within [`PATIENCE`]; the message lists the answers seen, since they may have skipped past it.
pub async fn until_equal<T, F, A>(what: &str, expected: T, mut ask: F)
where
    T: PartialEq + Debug,
    F: FnMut() -> A,
    A: Future<Output = T>,
{
    let end = Instant::now() + PATIENCE;
    let mut answers = Vec::new();
    loop {
        let answer = ask().await;
        if answer == expected {
            return;
        }
        if answers.last() != Some(&answer) {
            answers.push(answer);
        }
        assert!(Instant::now() < end, "{what}: not {expected:?} within {PATIENCE:?}, but {answers:?}");
        tokio::time::sleep(BETWEEN_QUESTIONS).await;
    }
}

/// Waits for a future to finish.
///
/// # Panics
/// When it has not finished within [`PATIENCE`]; the message names `what` was awaited.
pub async fn within_patience<A: Future>(what: &str, future: A) -> A::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("not finished after {PATIENCE:?}: {what}"),
    }
}

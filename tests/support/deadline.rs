//! Waiting for something outside this process, with an end to it.

use std::fmt::Debug;
use std::future::Future;
use std::time::{Duration, Instant};

/// The longest that anything of ours may take on a busy machine with two cores.
pub const PATIENCE: Duration = Duration::from_secs(20);

const BETWEEN_QUESTIONS: Duration = Duration::from_millis(10);

/// Asks until there is an answer.
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

/// Asks until the answer is this one.
///
/// # Panics
/// When it is not within [`PATIENCE`]; the message tells the answers there were, since they may have gone past it.
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

/// Lets a future finish.
///
/// # Panics
/// When it has not finished within [`PATIENCE`]; the message names `what` was awaited.
pub async fn within_patience<A: Future>(what: &str, future: A) -> A::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("not finished after {PATIENCE:?}: {what}"),
    }
}

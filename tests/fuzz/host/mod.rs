//! The module's own code, and a host that fails any call at any time, with any status, or answers nonsense. The host's
//! callbacks come in the order in which Envoy makes them, for many streams at once.
//!
//! * No panic: it would take down the VM with every request that it holds.
//! * No sequence of calls that crashes Envoy: a second action on one stream, releasing what is not held, acting on a
//!   stream that is being deleted, more than a hundred releases in a tick, writing into a buffer that is not there.
//! * No message waits forever, bodies come out as they came in, lengths are right, and gauges return to 0.

mod calls;
mod odds;
mod proxy;
mod stream;

use crate::engine::pool;
use arbitrary::Unstructured;
use odds::Odds;
use proxy::Proxy;
use std::panic::resume_unwind;
use std::thread;

/// The most operations of one input.
const MOST: usize = 200;

/// The target. Each input runs on its own thread: the module keeps its state per thread, so a thread acts as a VM.
pub fn run(input: &[u8]) {
    let input = input.to_vec();
    let vm = thread::Builder::new().name("vm".into()).spawn(move || play(&input)).expect("a thread");
    vm.join().unwrap_or_else(|panic| resume_unwind(panic));
}

fn play(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let mut proxy = Proxy::start(Odds::any(&mut input));
    let document = pool::document(&mut input);
    proxy.configure(document);
    for _ in 0..MOST {
        if input.is_empty() {
            break;
        }
        act(&mut proxy, &mut input);
    }
    proxy.finish();
}

fn act(proxy: &mut Proxy, input: &mut Unstructured<'_>) {
    match input.int_in_range(0..=19_u8).unwrap_or(0) {
        0..=3 => proxy.request(input),
        4..=6 => proxy.more_of_a_request(input),
        7 | 8 => proxy.respond(input),
        9..=11 => proxy.more_of_a_response(input),
        12..=14 => {
            let milliseconds = input.int_in_range(0..=120_u16).unwrap_or(0);
            proxy.wait(u64::from(milliseconds) * 1_000_000);
        }
        15 => proxy.leave(input),
        16 => proxy.give_an_answer_of_its_own(input),
        17 => {
            let document = pool::document(input);
            proxy.configure(document);
        }
        18 => proxy.change_odds(Odds::any(input)),
        _ => proxy.move_clocks(input),
    }
}

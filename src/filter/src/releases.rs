//! The tick, and what it releases.

use crate::clock::HostClock;
use crate::worker::Worker;
use crate::{contexts, host};
use brownout_core::id::ExchangeId;
use brownout_core::step::Release;
use brownout_core::time::Clock;

/// The number of exchanges that one tick releases. If they end in local replies, the host nests them inside each other:
/// from 270 on, that exhausts V8's stack and kills the VM. Between ticks, one or two milliseconds pass in which nothing
/// is released, so a smaller number would make a large crowd late.
const RELEASES_PER_TICK: usize = 100;

impl Worker {
    /// Handles the tick: releases what is due.
    pub fn on_tick(&self) {
        self.has_ticked();
        self.armed.set(None);
        self.tell_refusal();
        let now = HostClock.now();
        if let Some(now) = now {
            self.look_around(now);
        }
        let (mut released, mut releases) = (Vec::new(), 0);
        while releases < RELEASES_PER_TICK {
            let Some(now) = now else { break };
            // The host carries out releases only after the tick, in order, and the first may end the stream. So the
            // other direction must wait for the next tick.
            let next = self.ask(|engine| engine.next_due_beside(now, &released));
            let Some(Some((id, release))) = next else { break };
            self.release(id, release);
            // The same stream must not get two releases through another of its contexts either.
            released.extend(contexts::twins(id.0).into_iter().map(ExchangeId));
            releases += 1;
        }
        self.counted(host::set_effective_context(self.root)).ok();
        if self.poll_timeout().is_none() {
            self.counted(host::set_tick_period(0)).ok();
        } else {
            self.arm().ok();
        }
    }

    fn release(&self, id: ExchangeId, release: Release) {
        // Fails if the stream is gone; then there is nothing left to do.
        let there = host::set_effective_context(id.0);
        self.tell();
        if there.is_err() {
            self.end(id.0);
            return;
        }
        let released = match release {
            Release::Resume(direction) => self.counted(host::continue_stream(direction)),
            // A reply that cannot be sent must not leave the client waiting.
            Release::Reply(held, reply) => {
                self.reply(&reply).or_else(|_| self.counted(host::continue_stream(held)))
            }
            Release::Reset => self.reset(id),
            Release::Emit(direction, bytes) => match self.counted(host::set_body(direction, 0, &bytes)) {
                Ok(()) => self.counted(host::continue_stream(direction)),
                Err(_) => self.reset(id),
            },
        };
        if released.is_err() {
            log::error!("brownout: an exchange that was held could be neither ended nor resumed");
        }
    }
}

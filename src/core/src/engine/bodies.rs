//! The engine's work on bodies and trailers.

use super::Engine;
use crate::body::Around;
use crate::engine::event::Event;
use crate::entropy::Entropy;
use crate::id::{Direction, ExchangeId};
use crate::step::{DataStep, DataThen, TrailersStep};
use crate::time::Clock;
use crate::view::DataView;

impl<E: Entropy> Engine<E> {
    /// Returns whether anything will happen to the body of a message. If not, [`Self::on_data`] need not be called for
    /// it.
    pub fn cares_for_body(&self, id: ExchangeId, direction: Direction) -> bool {
        let exchange = self.exchanges.get(id.0);
        exchange.is_some_and(|exchange| exchange.holds(direction) || exchange.works_on(direction))
    }

    /// Handles a piece of a body; `end` if it is the last one and no trailers follow.
    pub fn on_data(
        &mut self,
        id: ExchangeId,
        direction: Direction,
        data: &dyn DataView,
        end: bool,
        clock: &dyn Clock,
    ) -> DataStep {
        let Some(mut exchange) = self.exchanges.remove(id.0) else { return DataStep::FORWARD };
        // The host buffers the body behind held headers, but in some configurations it calls back anyway.
        if exchange.holds(direction) {
            self.exchanges.insert(id.0, exchange);
            return DataStep { put: None, then: DataThen::Watermark };
        }
        let mut step = DataStep::FORWARD;
        if let Some(body) = exchange.body(direction) {
            let mut around = Around { clock, memory: &self.memory };
            step = body.on_data(data, end, &mut around);
            if body.was_unpatched() {
                self.events.push_back(Event::Unpatched(exchange.cause.rule));
            }
        }
        if step.then == DataThen::Reset {
            self.forget(id, exchange);
        } else {
            self.keep(id, exchange);
        }
        step
    }

    /// Handles the trailers of a message.
    pub fn on_trailers(&mut self, id: ExchangeId, direction: Direction, clock: &dyn Clock) -> TrailersStep {
        let Some(mut exchange) = self.exchanges.remove(id.0) else { return TrailersStep::Continue };
        let held = exchange.holds(direction);
        let mut step = if held { TrailersStep::Hold(None) } else { TrailersStep::Continue };
        if let Some(body) = exchange.body(direction).filter(|_| !held) {
            let mut around = Around { clock, memory: &self.memory };
            step = body.on_trailers(&mut around);
            if body.was_unpatched() {
                self.events.push_back(Event::Unpatched(exchange.cause.rule));
            }
        }
        if step == TrailersStep::Reset {
            self.forget(id, exchange);
        } else {
            self.keep(id, exchange);
        }
        step
    }
}

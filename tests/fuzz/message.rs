//! One message as a proxy has it: what has come, what it holds back, what has left.

use brownout_core::step::{DataStep, DataThen, HeaderChange};

/// Where a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It flows.
    Going,
    /// Its headers wait, and all after them.
    HeadersHeld,
    /// What has come of its body is kept, and shown again together with more.
    Buffer,
    /// What has come of its body is kept.
    Watermark,
    /// All of it has come, and its end waits.
    TrailersHeld,
    /// All of it has left.
    Ended,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Where it is.
    pub state: State,
    /// How its headers have left, or will.
    pub headers: Vec<(String, Vec<u8>)>,
    /// All bytes that its sender has.
    sent: Vec<u8>,
    /// How many of them have come.
    pub come: usize,
    /// Whether its sender is done.
    pub done: bool,
    has_body: bool,
    /// Whether it has trailers, which come last.
    trailers: bool,
    /// What the proxy has in its hands.
    kept: Vec<u8>,
    /// What has left.
    left: Vec<u8>,
}

impl Message {
    /// A message whose headers have arrived. Its length is what they say, if they say anything.
    pub fn new(headers: &[(String, Vec<u8>)], size: usize, has_body: bool, trailers: bool) -> Self {
        let sent: Vec<u8> =
            if has_body { (0..size).map(|place| b'a' + (place % 23) as u8).collect() } else { vec![] };
        Self {
            state: if has_body { State::Going } else { State::Ended },
            headers: headers.to_vec(),
            sent,
            come: 0,
            done: !has_body,
            has_body,
            trailers: trailers && has_body,
            kept: Vec::new(),
            left: Vec::new(),
        }
    }

    /// Whether its headers wait.
    pub fn hold(&mut self, held: bool) {
        if held {
            self.state = State::HeadersHeld;
        }
    }

    /// What the engine wants of its headers.
    pub fn change(&mut self, changes: &[HeaderChange]) {
        for change in changes {
            let (HeaderChange::Set(name, _) | HeaderChange::Add(name, _) | HeaderChange::Remove(name)) =
                change;
            assert!(
                !name.is_empty() && !name.chars().any(|letter| letter.is_ascii_uppercase()),
                "{change:?}"
            );
            if !matches!(change, HeaderChange::Add(..)) {
                self.headers.retain(|(other, _)| other != name);
            }
            if let HeaderChange::Set(name, value) | HeaderChange::Add(name, value) = change {
                assert!(!value.iter().any(|byte| b"\r\n\0".contains(byte)), "{change:?}");
                self.headers.push((name.clone(), value.clone()));
            }
        }
    }

    /// The next piece comes: at most so many bytes, and whether they are the last.
    pub fn next_piece(&mut self, most: usize) -> (Vec<u8>, bool) {
        let from = self.come;
        self.come = self.sent.len().min(from.saturating_add(most));
        let last = self.come == self.sent.len() && !self.trailers;
        self.done |= last;
        (self.sent[from..self.come].to_vec(), last)
    }

    /// Whether trailers come next.
    pub fn awaits_trailers(&self) -> bool {
        self.trailers && !self.done && self.come == self.sent.len()
    }

    /// Whether trailers have come behind headers that wait.
    pub fn awaited_trailers(&self) -> bool {
        self.trailers
    }

    /// Whether it has a body at all.
    pub fn had_body(&self) -> bool {
        self.has_body
    }

    /// Whether the proxy has any of it in its hands.
    pub fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }

    /// What the engine is shown of its body when a piece has come.
    pub fn shown(&mut self, piece: Vec<u8>) -> Vec<u8> {
        if self.state != State::Buffer {
            return piece;
        }
        let mut shown = std::mem::take(&mut self.kept);
        shown.extend(piece);
        shown
    }

    /// A piece comes while the headers wait: nobody is asked.
    pub fn keep(&mut self, piece: &[u8]) {
        self.kept.extend_from_slice(piece);
    }

    /// What waited behind the headers, now that they have left: it is shown in one piece, with the end if that has
    /// come.
    pub fn resumed(&mut self) -> Option<(Vec<u8>, bool)> {
        self.state = State::Going;
        let piece = std::mem::take(&mut self.kept);
        let last = self.done && !self.trailers;
        (!piece.is_empty() || last).then_some((piece, last))
    }

    /// What is to become of what was shown.
    pub fn step(&mut self, shown: Vec<u8>, step: DataStep, last: bool) {
        let piece = step.put.unwrap_or(shown);
        self.kept.extend(piece);
        match step.then {
            DataThen::Forward => {
                self.leave();
                self.state = if last { State::Ended } else { State::Going };
            }
            DataThen::Buffer => self.state = State::Buffer,
            DataThen::Watermark => self.state = State::Watermark,
            DataThen::Reset => {}
        }
    }

    /// This comes before what is kept. A proxy has a place for it only while it was told to buffer.
    pub fn put(&mut self, mut bytes: Vec<u8>) {
        if !bytes.is_empty() {
            assert_eq!(self.state, State::Buffer, "nowhere to put {} bytes", bytes.len());
            bytes.append(&mut self.kept);
            self.kept = bytes;
        }
    }

    /// What is kept of the body leaves.
    pub fn leave(&mut self) {
        self.left.append(&mut self.kept);
    }

    /// It goes on after its body, or its end, was held.
    pub fn go_on(&mut self) {
        self.leave();
        let whole = self.state == State::TrailersHeld || (self.done && !self.trailers);
        self.state = match (whole, self.state) {
            (true, _) => State::Ended,
            // The next piece is shown with what is kept: nothing.
            (false, State::Buffer) => State::Buffer,
            (false, _) => State::Going,
        };
    }

    /// Asserts that nothing got lost, swapped or doubled on the way.
    pub fn assert_faithful(&self) {
        assert!(self.sent.starts_with(&self.left), "{} bytes that nobody sent", self.left.len());
        if self.state == State::Ended {
            assert_eq!(self.left.len(), self.sent.len(), "cut short");
        }
    }

    /// Asserts that a message that has left is as long as its headers say.
    pub fn assert_length(&self, told: &str) {
        let lengths = self.headers.iter().filter(|(name, _)| name == "content-length");
        for (_, length) in lengths {
            let length = std::str::from_utf8(length).ok().and_then(|length| length.parse::<usize>().ok());
            assert!(length.is_none_or(|length| length == self.left.len()), "{told} {self:?}");
        }
    }
}

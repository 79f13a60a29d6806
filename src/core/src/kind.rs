//! The kinds of fault: their names, and sets of kinds. Each kind is implemented in its own file in [`crate::fault`].

/// Calls a macro with the list of kinds: each with its field in a rule, its type and its counter, in the order in which
/// they apply to an exchange.
macro_rules! kinds {
    ($then:ident) => {
        $then! {
            /// The request is changed before it is forwarded.
            request: Request, "requests_rewritten";
            /// The request waits before it is forwarded.
            delay: Delay, "delays_injected";
            /// The request is answered instead of being forwarded.
            abort: Abort, "aborts_injected";
            /// The stream is reset instead of the request being forwarded.
            reset: Reset, "resets_injected";
            /// The request is never answered; the stream is eventually reset.
            hang: Hang, "hangs_injected";
            /// The request's body is slowed down.
            request_rate_limit: RequestRateLimit, "request_rl_injected";
            /// The response is changed, after the backend has done the work.
            response: Response, "responses_rewritten";
            /// The response's body is slowed down.
            response_rate_limit: ResponseRateLimit, "response_rl_injected";
        }
    };
}
pub(crate) use kinds;

macro_rules! define {
    ($($(#[$($doc:tt)*])* $field:ident: $Kind:ident, $counter:literal;)+) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Kind {
            $($(#[$($doc)*])* $Kind,)+
        }

        impl Kind {
            /// All kinds, in the order in which they apply to an exchange.
            pub const ALL: &'static [Self] = &[$(Self::$Kind),+];

            /// Returns the name of the kind's field in a rule.
            pub fn name(self) -> &'static str {
                match self { $(Self::$Kind => stringify!($field),)+ }
            }

            /// Returns the name of the kind's counter.
            pub fn counter(self) -> &'static str {
                match self { $(Self::$Kind => $counter,)+ }
            }
        }
    };
}
kinds!(define);

/// A set of fault kinds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    pub fn insert(&mut self, kind: Kind) {
        self.0 |= 1 << kind as u16;
    }

    /// Adds every kind of another set.
    pub fn extend(&mut self, others: Self) {
        self.0 |= others.0;
    }

    pub fn remove(&mut self, kind: Kind) {
        self.0 &= !(1 << kind as u16);
    }

    /// Returns whether the set contains `kind`.
    pub fn contains(self, kind: Kind) -> bool {
        self.0 & (1 << kind as u16) != 0
    }

    /// Returns whether the set is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Iterates over the kinds in the set, in the order in which they apply.
    pub fn iter(self) -> impl Iterator<Item = Kind> {
        Kind::ALL.iter().copied().filter(move |kind| self.contains(*kind))
    }
}

impl FromIterator<Kind> for Kinds {
    fn from_iter<I: IntoIterator<Item = Kind>>(kinds: I) -> Self {
        let mut set = Self::default();
        kinds.into_iter().for_each(|kind| set.insert(kind));
        set
    }
}

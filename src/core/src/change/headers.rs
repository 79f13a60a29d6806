//! Changes to the headers of a message.

use crate::decode::object;
use crate::step::HeaderChange;
use crate::value::header::{RemovedName, ReplyHeaders, is_reserved};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    /// Changes to headers: first those to be removed go, then those to be set take the place of any of their name,
    /// then those to be added join.
    #[derive(Debug, Clone)]
    pub struct HeaderChanges {
        /// Headers with new values, whether or not they were there.
        pub set: Option<ReplyHeaders>,
        /// Headers with values beside those that are there.
        pub add: Option<ReplyHeaders>,
        /// Headers that go.
        pub remove: Option<Vec<RemovedName>>,
    }
}

impl HeaderChanges {
    /// One by one, in order.
    pub fn iter(&self) -> impl Iterator<Item = HeaderChange> {
        let removed = self.remove.iter().flatten().map(|name| HeaderChange::Remove(name.as_str().into()));
        let added = self.add.iter().flat_map(ReplyHeaders::iter);
        let added = added.map(|(name, value)| HeaderChange::Add(name.into(), value.into()));
        removed.chain(self.each_set()).chain(added)
    }

    /// The same for a reply, without what a document must leave alone.
    pub fn of_reply(&self) -> impl Iterator<Item = HeaderChange> {
        self.iter().filter(|change| !is_reserved(change.name()))
    }

    /// Tells of the names that it changes.
    pub(crate) fn names(&self, tell: &mut dyn FnMut(&str)) {
        for headers in self.set.iter().chain(&self.add) {
            headers.iter().for_each(|(name, _)| tell(name));
        }
        self.remove.iter().flatten().for_each(|name| tell(name.as_str()));
    }

    fn each_set(&self) -> impl Iterator<Item = HeaderChange> {
        let mut before: Option<&str> = None;
        self.set.iter().flat_map(ReplyHeaders::iter).map(move |(name, value)| {
            // The first value of a name takes the place of the old ones, the others join it.
            let first = before.replace(name) != Some(name);
            let change = if first { HeaderChange::Set } else { HeaderChange::Add };
            change(name.into(), value.into())
        })
    }

    /// Each as a clause.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.iter().map(|change| match change {
            HeaderChange::Set(name, _) => format!("the header `{name}` is set"),
            HeaderChange::Add(name, _) => format!("a header `{name}` is added"),
            HeaderChange::Remove(name) => format!("the header `{name}` is removed"),
        })
    }
}

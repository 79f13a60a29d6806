//! Changes to the headers of a message.

use crate::decode::object;
use crate::step::HeaderChange;
use crate::value::header::{RemovedName, ReplyHeaders, is_reserved};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

object! {
    /// Changes to headers: `remove` is applied first, then `set` replaces all values of a name, then `add` adds
    /// values.
    #[derive(Debug, Clone)]
    pub struct HeaderChanges {
        /// Headers to set, whether or not they are present.
        pub set: Option<ReplyHeaders>,
        /// Headers to add to the existing values.
        pub add: Option<ReplyHeaders>,
        /// The names of the headers to remove.
        pub remove: Option<Vec<RemovedName>>,
    }
}

impl HeaderChanges {
    /// Iterates over the changes, in order.
    pub fn iter(&self) -> impl Iterator<Item = HeaderChange> {
        let removed = self.remove.iter().flatten().map(|name| HeaderChange::Remove(name.as_str().into()));
        let added = self.add.iter().flat_map(ReplyHeaders::iter);
        let added = added.map(|(name, value)| HeaderChange::Add(name.into(), value.into()));
        removed.chain(self.each_set()).chain(added)
    }

    /// Like [`Self::iter`] for a reply, without the headers that a document must not change.
    pub fn of_reply(&self) -> impl Iterator<Item = HeaderChange> {
        self.iter().filter(|change| !is_reserved(change.name()))
    }

    /// Calls `tell` with the name of each header that is changed.
    pub(crate) fn names(&self, tell: &mut dyn FnMut(&str)) {
        for headers in self.set.iter().chain(&self.add) {
            headers.iter().for_each(|(name, _)| tell(name));
        }
        self.remove.iter().flatten().for_each(|name| tell(name.as_str()));
    }

    fn each_set(&self) -> impl Iterator<Item = HeaderChange> {
        let mut before: Option<&str> = None;
        self.set.iter().flat_map(ReplyHeaders::iter).map(move |(name, value)| {
            // The first value of a name replaces the old ones, the others are added to it.
            let first = before.replace(name) != Some(name);
            let change = if first { HeaderChange::Set } else { HeaderChange::Add };
            change(name.into(), value.into())
        })
    }

    /// Describes each change as a clause.
    pub fn words(&self) -> impl Iterator<Item = String> {
        self.iter().map(|change| match change {
            HeaderChange::Set(name, _) => format!("the header `{name}` is set"),
            HeaderChange::Add(name, _) => format!("a header `{name}` is added"),
            HeaderChange::Remove(name) => format!("the header `{name}` is removed"),
        })
    }
}

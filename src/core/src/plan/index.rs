//! Finds the rules that a request can match without walking over all of them.
//!
//! Each rule is filed under one condition that it requires: an exact path, an exact header value, and so on. A request
//! looks up its own values, and gets the rules filed there plus those that could not be filed, in order. The predicate
//! still decides whether a rule matches: the index only rules out those that cannot.

use crate::decode::dictionary::Dictionary;
use crate::predicate::header::HeaderMatcher;
use crate::predicate::string::{Pattern, StringMatcher};
use crate::predicate::{Predicate, without_port, without_query};
use crate::view::{Property, RequestView};
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;

/// Up to this many rules, walking over all of them is cheaper than a lookup.
const SMALL: usize = 4;
/// Up to this many header names, each is looked up in the request; with more, all of its headers are scanned.
const FEW_NAMES: usize = 4;

type RulePlaces = Vec<usize>;
type ByValue = Dictionary<RulePlaces>;

/// The rules filed under one header's name.
#[derive(Debug, Clone, Default)]
struct ByHeader {
    exact: ByValue,
    present: RulePlaces,
}

/// The index entry under which a rule is filed.
enum Slot<'a> {
    Path(&'a str),
    Header(&'a str, &'a str),
    Route(&'a str),
    VirtualHost(&'a str),
    Cluster(&'a str),
    Authority(&'a str),
    PathPrefix(&'a str),
    HeaderPresent(&'a str),
    Methods(Vec<&'a str>),
}

/// Rules, by a condition that they require.
#[derive(Debug, Clone, Default)]
pub struct Index {
    always: RulePlaces,
    paths: ByValue,
    /// By length, in order, then by prefix: a request looks up one prefix of each length.
    prefixes: Vec<(usize, ByValue)>,
    headers: Dictionary<ByHeader>,
    authorities: ByValue,
    methods: ByValue,
    routes: ByValue,
    virtual_hosts: ByValue,
    clusters: ByValue,
}

impl Index {
    /// Files rules by their predicates, in order. A rule without one matches everything.
    pub fn new<'p>(predicates: impl ExactSizeIterator<Item = Option<&'p Predicate>>) -> Self {
        let mut index = Self::default();
        if predicates.len() <= SMALL {
            index.always = (0..predicates.len()).collect();
            return index;
        }
        for (place, predicate) in predicates.enumerate() {
            match predicate.and_then(best_slot) {
                Some(slot) => index.file(place, slot),
                None => index.always.push(place),
            }
        }
        index
    }

    fn file(&mut self, place: usize, slot: Slot<'_>) {
        let under = |map: &mut ByValue, key: &str| map.update(key.as_bytes(), |places| places.push(place));
        match slot {
            Slot::Path(path) => under(&mut self.paths, path),
            Slot::Header(name, value) => {
                self.headers.update(name.as_bytes(), |header| under(&mut header.exact, value));
            }
            Slot::Route(name) => under(&mut self.routes, name),
            Slot::VirtualHost(name) => under(&mut self.virtual_hosts, name),
            Slot::Cluster(name) => under(&mut self.clusters, name),
            Slot::Authority(host) => under(&mut self.authorities, host),
            Slot::PathPrefix(prefix) => {
                let length = prefix.len();
                let among = self.prefixes.partition_point(|(other, _)| *other < length);
                if self.prefixes.get(among).is_none_or(|(other, _)| *other != length) {
                    self.prefixes.insert(among, (length, ByValue::default()));
                }
                if let Some((_, prefixes)) = self.prefixes.get_mut(among) {
                    under(prefixes, prefix);
                }
            }
            Slot::HeaderPresent(name) => {
                self.headers.update(name.as_bytes(), |header| header.present.push(place));
            }
            Slot::Methods(methods) => methods.into_iter().for_each(|method| under(&mut self.methods, method)),
        }
    }

    /// Returns the places of the rules that the request can match, in order.
    pub fn candidates(&self, request: &dyn RequestView) -> Candidates<'_> {
        let mut found = Vec::new();
        self.by_path(request, &mut found);
        self.by_headers(request, &mut found);
        let mut by_value = |map: &ByValue, value: &[u8]| found.extend(map.get(value).into_iter().flatten());
        if !self.authorities.is_empty() {
            request.any_value(":authority", &mut |value| {
                by_value(&self.authorities, without_port(value));
                false
            });
        }
        if !self.methods.is_empty() {
            request.any_value(":method", &mut |value| {
                by_value(&self.methods, value);
                false
            });
        }
        for (property, map) in [
            (Property::RouteName, &self.routes),
            (Property::VirtualHostName, &self.virtual_hosts),
            (Property::ClusterName, &self.clusters),
        ] {
            if !map.is_empty()
                && let Some(value) = request.property(property)
            {
                by_value(map, &value);
            }
        }
        // A heap takes a tenth of the code of `sort_unstable`, and mostly there are few.
        let mut found = BinaryHeap::from(found).into_sorted_vec();
        found.dedup();
        Candidates { always: &self.always, found: found.into_iter().peekable() }
    }

    fn by_path(&self, request: &dyn RequestView, found: &mut RulePlaces) {
        if self.paths.is_empty() && self.prefixes.is_empty() {
            return;
        }
        request.any_value(":path", &mut |value| {
            let path = without_query(value);
            found.extend(self.paths.get(path).into_iter().flatten());
            for (length, prefixes) in &self.prefixes {
                let Some(prefix) = path.get(..*length) else { break };
                found.extend(prefixes.get(prefix).into_iter().flatten());
            }
            false
        });
    }

    fn by_headers(&self, request: &dyn RequestView, found: &mut RulePlaces) {
        if self.headers.is_empty() {
            return;
        }
        let mut look_up = |header: &ByHeader, value: &[u8]| {
            found.extend(header.exact.get(value).into_iter().flatten());
            found.extend(&header.present);
        };
        if self.headers.len() > FEW_NAMES {
            let seen = request.each_header(&mut |name, value| {
                self.headers.get(name).into_iter().for_each(|header| look_up(header, value));
            });
            if seen {
                return;
            }
        }
        for (name, header) in self.headers.iter() {
            let Ok(name) = core::str::from_utf8(name) else { continue };
            request.any_value(name, &mut |value| {
                look_up(header, value);
                false
            });
        }
    }
}

/// Returns the most selective of the conditions that must all hold.
fn best_slot(predicate: &Predicate) -> Option<Slot<'_>> {
    let own = [
        exact(predicate.path.as_ref()).map(Slot::Path),
        predicate.headers.iter().flatten().find_map(exact_header),
        exact(predicate.route.as_deref()).map(Slot::Route),
        exact(predicate.authority.as_deref()).map(Slot::Authority),
        exact(predicate.cluster.as_deref()).map(Slot::Cluster),
        exact(predicate.virtual_host.as_deref()).map(Slot::VirtualHost),
        prefix(predicate.path.as_ref()).map(Slot::PathPrefix),
        predicate.headers.iter().flatten().find_map(needed_header).map(Slot::HeaderPresent),
    ];
    let nested = || predicate.all.iter().flatten().find_map(best_slot);
    let methods = || {
        let methods = predicate.methods.as_ref()?;
        Some(Slot::Methods(methods.iter().map(crate::predicate::method::Method::as_str).collect()))
    };
    own.into_iter().flatten().next().or_else(nested).or_else(methods)
}

fn exact(matcher: Option<&StringMatcher>) -> Option<&str> {
    match matcher {
        Some(matcher) if !matcher.ignores_case() => match matcher.pattern() {
            Pattern::Exact(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn prefix(matcher: Option<&StringMatcher>) -> Option<&str> {
    match matcher {
        Some(matcher) if !matcher.ignores_case() => match matcher.pattern() {
            Pattern::Prefix(text) => Some(text),
            _ => None,
        },
        _ => None,
    }
}

/// Returns the slot of a header that must have one exact value.
fn exact_header(header: &HeaderMatcher) -> Option<Slot<'_>> {
    let value = exact(header.string_match.as_ref())?;
    (header.needs_presence() && header.invert_match != Some(true))
        .then_some(Slot::Header(header.name.as_str(), value))
}

/// Returns the name of a header that must be present, whatever its value.
fn needed_header(header: &HeaderMatcher) -> Option<&str> {
    header.needs_presence().then_some(header.name.as_str())
}

/// The rules that a request can match, in order.
pub struct Candidates<'a> {
    always: &'a [usize],
    found: core::iter::Peekable<alloc::vec::IntoIter<usize>>,
}

impl Iterator for Candidates<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        match (self.always.split_first(), self.found.peek()) {
            (Some((always, rest)), found) if found.is_none_or(|found| always < found) => {
                self.always = rest;
                Some(*always)
            }
            _ => self.found.next(),
        }
    }
}

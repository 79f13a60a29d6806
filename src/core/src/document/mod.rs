//! The document as it is written.

#[cfg(feature = "schema")]
pub mod json_schema;
pub mod sample;
pub mod schedule;

use crate::decode::diagnostic::Code;
use crate::decode::dictionary::Dictionary;
use crate::decode::json::{Json, Shortened};
use crate::decode::path::Segment;
use crate::decode::{Decode, Decoder, Field, Fields, listed, object, schema};
use crate::document::sample::Sample;
use crate::document::schedule::Schedule;
use crate::fault::Faults;
use crate::kind::Kinds;
use crate::limit::Limits;
use crate::predicate::Predicate;
use crate::stop::StopWhen;
use crate::value::percent::WHOLE;
use crate::value::percent::{FractionalPercent, in_percent};
use crate::view::Property;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// The most rules that one document may have.
const MOST_RULES: usize = 10_000;

/// How far a document goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Mode {
    /// Nothing is looked at.
    Off,
    /// What would be done is counted, and nothing is touched.
    Shadow,
    /// Faults are injected.
    #[default]
    Inject,
}

impl Mode {
    const NAMES: [(Self, &'static str); 3] =
        [(Self::Inject, "inject"), (Self::Shadow, "shadow"), (Self::Off, "off")];

    /// Its name in a document.
    pub fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(mode, _)| *mode == self).map_or("off", |(_, name)| name)
    }
}

impl Decode for Mode {
    const EXPECTED: &'static str = "`inject`, `shadow` or `off`";

    schema!(|_| crate::decode::describe::one_of(&Self::NAMES.map(|(_, name)| name)));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let found = match json {
            Json::String(text) => Self::NAMES.iter().find(|(_, name)| name == text).map(|(mode, _)| *mode),
            // YAML 1.1 reads a bare `off` as a boolean.
            Json::Bool(false) => Some(Self::Off),
            _ => None,
        };
        found.or_else(|| {
            let label = format!("found {json}, expected {}", Self::EXPECTED);
            decoder.refuse(Code::InvalidValue, "invalid mode", label)
        })
    }
}

impl Serialize for Mode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// Which of Envoy's filter chains a document's module stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Placement {
    /// The listener's, before the router: one exchange for each request.
    #[default]
    Downstream,
    /// A cluster's, after the router: one exchange for each attempt. There, an abort takes the place of the backend's
    /// response, since the router would not try again after a reply of a filter's own.
    Upstream,
}

impl Placement {
    const NAMES: [(Self, &'static str); 2] = [(Self::Downstream, "downstream"), (Self::Upstream, "upstream")];

    /// Its name in a document.
    pub fn name(self) -> &'static str {
        if self == Self::Upstream { "upstream" } else { "downstream" }
    }
}

impl Decode for Placement {
    const EXPECTED: &'static str = "`downstream` or `upstream`";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let Json::String(text) = json else {
            return decoder.wrong_type("placement", json, Self::EXPECTED);
        };
        let found = Self::NAMES.iter().find(|(_, name)| name == text).map(|(placement, _)| *placement);
        found.or_else(|| {
            let label = format!("found {json}, expected {}", Self::EXPECTED);
            decoder.refuse(Code::InvalidValue, "invalid placement", label)
        })
    }
}

impl Serialize for Placement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A rule's name: it stands in headers, logs and the names of metrics.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName(Rc<str>);

impl RuleName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, to be kept beyond its rule.
    pub fn shared(&self) -> Rc<str> {
        Rc::clone(&self.0)
    }
}

impl Decode for RuleName {
    const EXPECTED: &'static str = "a name such as `\"slow-checkout\"`";
    const IF_MISSING: Option<&'static str> =
        Some("metrics, logs and the response header call the rule by its name");

    schema!(|_| crate::decode::describe::text("^[a-z0-9][a-z0-9_.-]{0,62}$", &["slow-checkout"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let name = String::decode(json, decoder)?;
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        let outer = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.len() > 63 || !name.bytes().all(inner) || !name.bytes().next().is_some_and(outer) {
            decoder.refuse::<()>(Code::InvalidValue, "invalid rule name", format!("found {json}"));
            return decoder
                .help("use 1 to 63 of `a-z`, `0-9`, `_`, `.` and `-`, beginning with a letter or digit");
        }
        Some(Self(name.into()))
    }
}

impl Serialize for RuleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// One rule: which requests, how many of them, and what happens to those.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Unique in the document.
    pub name: RuleName,
    /// Overrides the document's mode, towards less only.
    pub mode: Option<Mode>,
    /// Which requests: every request, if it is absent.
    pub matches: Option<Predicate>,
    /// The share of them that the rule takes.
    pub percentage: FractionalPercent,
    /// How the share is chosen: by chance, if it is absent.
    pub sample: Option<Sample>,
    /// When the rule is live: always, if it is absent.
    pub schedule: Option<Schedule>,
    /// How much it may do at most: as much as it likes, if it is absent.
    pub limits: Option<Limits>,
    /// What happens to a request that the rule takes.
    pub action: Action,
}

/// What happens to a request that a rule takes.
#[derive(Debug, Clone)]
pub enum Action {
    /// All of these.
    Faults(Box<Faults>),
    /// At most one of these, by one draw.
    Outcomes(Vec<Outcome>),
}

impl Action {
    /// The kinds of fault that it can lead to.
    pub fn kinds(&self) -> Kinds {
        let all = |faults: &Faults| faults.iter().map(|(kind, _)| kind).collect::<Vec<_>>();
        match self {
            Self::Faults(faults) => all(faults).into_iter().collect(),
            Self::Outcomes(outcomes) => outcomes.iter().flat_map(|outcome| all(&outcome.faults)).collect(),
        }
    }

    /// Tells of the headers of replies that it sets or removes.
    pub(crate) fn reply_headers(&self, tell: &mut dyn FnMut(&str)) {
        match self {
            Self::Faults(faults) => faults.reply_headers(tell),
            Self::Outcomes(outcomes) => {
                outcomes.iter().for_each(|outcome| outcome.faults.reply_headers(tell));
            }
        }
    }
}

impl Rule {
    const FIELDS: &'static [&'static str] =
        &["name", "mode", "match", "percentage", "sample", "schedule", "limits", "outcomes"];
}

impl Decode for Rule {
    const EXPECTED: &'static str = "a rule";

    schema!(|definitions| definitions.object("Rule", |definitions| {
        let doc = |text| [text];
        let mut rule = crate::decode::describe::Object::new(&doc(
            "Which requests, how many of them, and what happens to those.",
        ));
        rule.add("name", &doc("Unique in the document."), true, RuleName::schema(definitions));
        let fields = [
            ("mode", "Overrides the document's mode, towards less only.", Mode::schema(definitions)),
            ("match", "Which requests: every request, if it is absent.", Predicate::schema(definitions)),
            ("percentage", "The share of them that the rule takes.", FractionalPercent::schema(definitions)),
            ("sample", "How the share is chosen: by chance, if it is absent.", Sample::schema(definitions)),
            ("schedule", "When the rule is live: always, if it is absent.", Schedule::schema(definitions)),
            ("limits", "How much it may do at most.", Limits::schema(definitions)),
            (
                "outcomes",
                "In place of faults: at most one of these happens.",
                Vec::<Outcome>::schema(definitions),
            ),
        ];
        let mut rule =
            fields.into_iter().fold(rule, |rule, (name, doc, schema)| rule.with(name, doc, schema));
        Faults::describe(&mut rule, definitions);
        rule.at_least_one(&["percentage", "outcomes"]).at_least_one(&[Faults::FIELDS, &["outcomes"]].concat())
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(json, decoder, &[Self::FIELDS, Faults::FIELDS], &[])?;
        let name = Field::read(&fields, "name", decoder);
        let mode = Field::read(&fields, "mode", decoder);
        let matches = Field::read(&fields, "match", decoder);
        let outcomes = fields.value("outcomes").is_some();
        let percentage = if outcomes {
            let given: Option<Option<FractionalPercent>> = Field::read(&fields, "percentage", decoder);
            given.map(|given| given.unwrap_or(FractionalPercent::ALWAYS))
        } else {
            Field::read(&fields, "percentage", decoder)
        };
        let sample = Field::read(&fields, "sample", decoder);
        let schedule = Field::read(&fields, "schedule", decoder);
        let limits = Field::read(&fields, "limits", decoder);
        let action = action(&fields, decoder);
        decoder.take_memory(size_of::<Self>())?;
        Some(Self {
            name: name?,
            mode: mode?,
            matches: matches?,
            percentage: percentage?,
            sample: sample?,
            schedule: schedule?,
            limits: limits?,
            action: action?,
        })
    }
}

fn action(fields: &Fields<'_>, decoder: &mut Decoder) -> Option<Action> {
    let faults = Faults::read(fields, decoder);
    let outcomes: Option<Option<Outcomes>> = fields.optional("outcomes", decoder);
    let given = fields.present(Faults::FIELDS);
    if fields.value("outcomes").is_some() {
        if !given.is_empty() {
            let label =
                format!("{} and `outcomes` exclude each other", listed(&given).replace(" or ", " and "));
            return decoder.refuse(Code::Conflict, "a rule has either faults or outcomes", label);
        }
        return outcomes?.map(|outcomes| Action::Outcomes(outcomes.0));
    }
    if given.is_empty() && !fields.misnamed() {
        decoder.refuse::<()>(Code::Conflict, "a rule without a fault", "");
        return decoder.help(format!("add {}, or `outcomes`", listed(Faults::FIELDS)));
    }
    decoder.take_memory(size_of::<Faults>())?;
    faults.map(|faults| Action::Faults(Box::new(faults)))
}

impl Serialize for Rule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.name.write("name", &mut map)?;
        self.mode.write("mode", &mut map)?;
        self.matches.write("match", &mut map)?;
        self.percentage.write("percentage", &mut map)?;
        self.sample.write("sample", &mut map)?;
        self.schedule.write("schedule", &mut map)?;
        self.limits.write("limits", &mut map)?;
        match &self.action {
            Action::Faults(faults) => faults.write(&mut map)?,
            Action::Outcomes(outcomes) => map.serialize_entry("outcomes", outcomes)?,
        }
        map.end()
    }
}

/// One of several things that can happen to a request.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The share of the rule's requests that it happens to.
    pub percentage: FractionalPercent,
    /// What happens.
    pub faults: Faults,
}

impl Decode for Outcome {
    const EXPECTED: &'static str =
        "an outcome such as `{\"percentage\": 2, \"abort\": {\"http_status\": 503}}`";

    schema!(|definitions| definitions.object("Outcome", |definitions| {
        let mut outcome =
            crate::decode::describe::Object::new(&["One of several things that can happen to a request."]);
        let share = FractionalPercent::schema(definitions);
        outcome.add("percentage", &["The share of the rule's requests that it happens to."], true, share);
        Faults::describe(&mut outcome, definitions);
        outcome.at_least_one(Faults::FIELDS)
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let fields = Fields::of(json, decoder, &[&["percentage"], Faults::FIELDS], &[])?;
        let percentage = Field::read(&fields, "percentage", decoder);
        let faults = Faults::read(&fields, decoder);
        if fields.present(Faults::FIELDS).is_empty() && !fields.misnamed() {
            decoder.refuse::<()>(Code::Conflict, "an outcome without a fault", "");
            return decoder.help("leave it out: requests that no outcome takes pass untouched");
        }
        decoder.take_memory(size_of::<Self>())?;
        Some(Self { percentage: percentage?, faults: faults? })
    }
}

impl Serialize for Outcome {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        self.percentage.write("percentage", &mut map)?;
        self.faults.write(&mut map)?;
        map.end()
    }
}

/// The outcomes of a rule: at least one, and together at most everything.
struct Outcomes(Vec<Outcome>);

impl Decode for Outcomes {
    const EXPECTED: &'static str = "a list of outcomes";

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let outcomes = Vec::<Outcome>::decode(json, decoder)?;
        if outcomes.is_empty() {
            return decoder.refuse(Code::Conflict, "a rule without an outcome", "");
        }
        let millionths: u64 = outcomes.iter().map(|outcome| u64::from(outcome.percentage.millionths())).sum();
        if millionths > u64::from(WHOLE) {
            let label = format!("they sum to {} %", in_percent(millionths));
            return decoder.refuse(Code::OutOfRange, "outcomes of more than all requests", label);
        }
        Some(Self(outcomes))
    }
}

/// The rules of a document, in order.
#[derive(Debug, Clone, Default)]
pub struct Rules(Rc<Vec<Rule>>);

impl Rules {
    /// The rules.
    pub fn as_slice(&self) -> &[Rule] {
        &self.0
    }

    /// Decides what depends only on the proxy.
    pub fn settle(&mut self, proxy: &dyn Fn(Property<'_>) -> Option<Vec<u8>>) {
        for predicate in Rc::make_mut(&mut self.0).iter_mut().filter_map(|rule| rule.matches.as_mut()) {
            predicate.settle(proxy);
        }
    }
}

impl Decode for Rules {
    const EXPECTED: &'static str = "a list of rules";

    schema!(
        |definitions| serde_json::json!({ "type": "array", "items": Rule::schema(definitions), "maxItems": MOST_RULES })
    );

    fn decode(json: &Json, decoder: &mut Decoder) -> Option<Self> {
        let Json::Array(list) = json else {
            return decoder.wrong_type("rules", json, Self::EXPECTED);
        };
        if list.len() > MOST_RULES {
            let label = format!("{} of them, at most {MOST_RULES} are allowed", list.len());
            return decoder.refuse(Code::OutOfRange, "too many rules", label);
        }
        // By the text, so that a rule with another mistake in it is compared too.
        refuse_equal_names(list, decoder);
        Vec::decode(json, decoder).map(|rules| Self(Rc::new(rules)))
    }
}

fn refuse_equal_names(rules: &[Json], decoder: &mut Decoder) {
    let name = |rule: &'_ Json| match rule {
        Json::Object(fields) => {
            fields.iter().find(|(field, _)| field == "name").and_then(|(_, name)| match name {
                Json::String(name) => Some(name.clone()),
                _ => None,
            })
        }
        _ => None,
    };
    let mut first = Dictionary::default();
    for (index, rule) in rules.iter().enumerate() {
        let Some(name) = name(rule) else { continue };
        if let Some(earlier) = first.add(name.as_bytes(), index) {
            decoder.within(Segment::Index(index), |d| {
                d.field("name", |d| {
                    let label = format!("`rules[{earlier}]` is called so too");
                    d.refuse::<()>(
                        Code::DuplicateName,
                        format!("rule name `{}` given twice", Shortened(&name)),
                        label,
                    );
                });
            });
        }
    }
}

impl Serialize for Rules {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.as_slice())
    }
}

object! {
    /// What an experiment is for. It ends up in logs, and says nothing to the filter.
    #[derive(Debug, Clone, Default)]
    pub struct Experiment {
        /// What it is called elsewhere.
        pub id: Option<String>,
        /// Whom to ask about it.
        pub owner: Option<String>,
        /// Why it is done.
        pub reason: Option<String>,
    }
}

object! {
    /// A whole document. An empty one does nothing.
    #[derive(Debug, Clone, Default)]
    pub struct Document {
        /// How far it goes: `inject` if it is absent.
        pub mode: Option<Mode>,
        /// Which filter chain the module stands in: `downstream` if it is absent.
        pub placement: Option<Placement>,
        /// What it is for.
        pub experiment: Option<Experiment>,
        /// In order: the first rule that matches a request and takes it is the only one that it suffers.
        pub rules: Option<Rules>,
        /// Requests that are never touched: health probes, if it is absent; none, if it is empty.
        pub exclude: Option<Vec<Predicate>>,
        /// How much all rules together may do at most.
        pub limits: Option<Limits>,
        /// When injection stops by itself: never, if it is absent.
        pub stop_when: Option<StopWhen>,
        /// Whether rules are also read from the metadata of routes and virtual hosts; they replace these.
        pub per_route: Option<bool>,
        /// What an exchange that suffers a fault says about it.
        pub report: Option<Report>,
    }
}

object! {
    /// What an exchange that suffers a fault says about it.
    #[derive(Debug, Clone)]
    pub struct Report {
        /// Whether the response has the header `x-brownout`: yes, if it is absent.
        pub response_header: Option<bool>,
        /// Whether filter state for access logs is set: yes, if it is absent.
        pub filter_state: Option<bool>,
    }
}

object! {
    /// A document in the metadata of a route or virtual host: rules and nothing else.
    #[derive(Debug, Clone)]
    pub struct RouteDocument {
        /// As in [`Document`].
        pub rules: Rules,
    }
}

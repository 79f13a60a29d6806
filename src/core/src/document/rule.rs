//! Rules and their outcomes, as written in a document.

use super::mode::Mode;
use super::sample::Sample;
use super::schedule::Schedule;
use crate::decode::diagnostic::Code;
use crate::decode::json::Json;
use crate::decode::{Decode, Decoder, Field, Fields, Refused, listed, schema};
use crate::fault::Faults;
use crate::kind::Kinds;
use crate::limit::Limits;
use crate::predicate::Predicate;
use crate::value::percent::{FractionalPercent, WHOLE, in_percent};
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// A rule's name, which appears in headers, logs and metric names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName(Rc<str>);

impl RuleName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the name as a shared value that can outlive its rule.
    pub fn shared(&self) -> Rc<str> {
        Rc::clone(&self.0)
    }
}

impl Decode for RuleName {
    const EXPECTED: &'static str = "a name such as `\"slow-checkout\"`";
    const IF_MISSING: Option<&'static str> =
        Some("metrics, logs and the response header identify the rule by its name");

    schema!(|_| crate::decode::describe::text("^[a-z0-9][a-z0-9_.-]{0,62}$", &["slow-checkout"]));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let name = String::decode(json, decoder)?;
        let inner = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.-".contains(&byte);
        let outer = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.len() > 63 || !name.bytes().all(inner) || !name.bytes().next().is_some_and(outer) {
            return decoder.refuse_with_help(
                Code::InvalidValue,
                "invalid rule name",
                format!("found {json}"),
                "use 1 to 63 of `a-z`, `0-9`, `_`, `.` and `-`, beginning with a letter or digit",
            );
        }
        Ok(Self(name.into()))
    }
}

impl Serialize for RuleName {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// One rule: which requests it matches, how many of them it takes, and what it does to those.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Unique in the document.
    pub name: RuleName,
    /// Overrides the document's mode; it can only restrict it.
    pub mode: Option<Mode>,
    /// The requests that the rule matches: every request if absent.
    pub matches: Option<Predicate>,
    /// The share of them that the rule takes.
    pub percentage: FractionalPercent,
    /// Chooses the requests that make up the share: at random if absent.
    pub sample: Option<Sample>,
    /// The times at which the rule is active: always if absent.
    pub schedule: Option<Schedule>,
    /// The rule's limits: none if absent.
    pub limits: Option<Limits>,
    pub action: Action,
}

/// The faults for a request that a rule takes: a fixed set, or one of several outcomes.
#[derive(Debug, Clone)]
pub enum Action {
    /// All of these faults together.
    Faults(Box<Faults>),
    /// At most one of these, by one draw.
    Outcomes(Vec<Outcome>),
}

impl Action {
    /// Iterates over the sets of faults that the action can cause: a single set, or one for each outcome.
    pub fn each_faults(&self) -> impl Iterator<Item = &Faults> {
        let (all, outcomes) = match self {
            Self::Faults(faults) => (Some(&**faults), None),
            Self::Outcomes(outcomes) => (None, Some(outcomes)),
        };
        all.into_iter().chain(outcomes.into_iter().flatten().map(|outcome| &outcome.faults))
    }

    /// Returns the kinds of these faults.
    pub fn kinds(&self) -> Kinds {
        self.each_faults().flat_map(|faults| faults.iter().map(|(kind, _)| kind)).collect()
    }

    /// Calls `tell` with the name of each reply header that the action sets or removes.
    pub(crate) fn reply_headers(&self, tell: &mut dyn FnMut(&str)) {
        self.each_faults().for_each(|faults| faults.reply_headers(&mut |_, name| tell(name)));
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
            "The requests that the rule matches, the share of them that it takes, and what it does to those.",
        ));
        rule.add("name", &doc("Unique in the document."), true, RuleName::schema(definitions));
        let fields = [
            ("mode", "Overrides the document's mode; it can only restrict it.", Mode::schema(definitions)),
            ("match", "The requests to match: every request if absent.", Predicate::schema(definitions)),
            ("percentage", "The share of them that the rule takes.", FractionalPercent::schema(definitions)),
            (
                "sample",
                "Chooses the requests that make up the share: at random if absent.",
                Sample::schema(definitions),
            ),
            (
                "schedule",
                "The times at which the rule is active: always if absent.",
                Schedule::schema(definitions),
            ),
            ("limits", "Limits on what the rule may do.", Limits::schema(definitions)),
            (
                "outcomes",
                "Instead of faults: at most one of these happens to a request.",
                Vec::<Outcome>::schema(definitions),
            ),
        ];
        let mut rule =
            fields.into_iter().fold(rule, |rule, (name, doc, schema)| rule.with(name, doc, schema));
        Faults::describe(&mut rule, definitions);
        rule.at_least_one(&["percentage", "outcomes"]).at_least_one(&[Faults::FIELDS, &["outcomes"]].concat())
    }));

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let fields = Fields::of(json, decoder, &[Self::FIELDS, Faults::FIELDS], &[])?;
        let name = Field::read(&fields, "name", decoder);
        let mode = Field::read(&fields, "mode", decoder);
        let matches = Field::read(&fields, "match", decoder);
        let outcomes = fields.value("outcomes").is_some();
        let percentage = if outcomes {
            let given: Result<Option<FractionalPercent>, Refused> =
                Field::read(&fields, "percentage", decoder);
            given.map(|given| given.unwrap_or(FractionalPercent::ALWAYS))
        } else {
            Field::read(&fields, "percentage", decoder)
        };
        let sample = Field::read(&fields, "sample", decoder);
        let schedule = Field::read(&fields, "schedule", decoder);
        let limits = Field::read(&fields, "limits", decoder);
        let action = action(&fields, decoder);
        decoder.take_memory(size_of::<Self>())?;
        Ok(Self {
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

fn action(fields: &Fields<'_>, decoder: &mut Decoder) -> Result<Action, Refused> {
    let faults = Faults::read(fields, decoder);
    let outcomes: Result<Option<Outcomes>, Refused> = fields.optional("outcomes", decoder);
    let given = fields.present(Faults::FIELDS);
    if fields.value("outcomes").is_some() && !given.is_empty() {
        let label = format!("{} and `outcomes` exclude each other", listed(&given).replace(" or ", " and "));
        return decoder.refuse(Code::Conflict, "a rule has either faults or outcomes", label);
    }
    if let Some(outcomes) = outcomes? {
        return Ok(Action::Outcomes(outcomes.0));
    }
    if given.is_empty() && !fields.misnamed() {
        return decoder.refuse_with_help(
            Code::Conflict,
            "the rule has no fault",
            "",
            format!("add {}, or `outcomes`", listed(Faults::FIELDS)),
        );
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

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let fields = Fields::of(json, decoder, &[&["percentage"], Faults::FIELDS], &[])?;
        let percentage = Field::read(&fields, "percentage", decoder);
        let faults = Faults::read(&fields, decoder);
        if fields.present(Faults::FIELDS).is_empty() && !fields.misnamed() {
            return decoder.refuse_with_help(
                Code::Conflict,
                "the outcome has no fault",
                "",
                "remove it: requests without an outcome pass untouched",
            );
        }
        decoder.take_memory(size_of::<Self>())?;
        Ok(Self { percentage: percentage?, faults: faults? })
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

/// The outcomes of a rule: at least one, with percentages that sum to at most 100 %.
struct Outcomes(Vec<Outcome>);

impl Decode for Outcomes {
    const EXPECTED: &'static str = "a list of outcomes";

    fn decode(json: &Json, decoder: &mut Decoder) -> Result<Self, Refused> {
        let outcomes = Vec::<Outcome>::decode(json, decoder)?;
        if outcomes.is_empty() {
            return decoder.refuse(Code::Conflict, "the rule has no outcome", "");
        }
        let millionths: u64 = outcomes.iter().map(|outcome| u64::from(outcome.percentage.millionths())).sum();
        if millionths > u64::from(WHOLE) {
            let label = format!("they sum to {} %", in_percent(millionths));
            return decoder.refuse(Code::OutOfRange, "outcome percentages exceed 100 %", label);
        }
        Ok(Self(outcomes))
    }
}

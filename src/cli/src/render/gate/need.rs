//! What a request must have for a predicate to hold.
//!
//! A need may hold for more requests than the predicate, but never for fewer: the module checks what Envoy's matcher
//! cannot, such as the route.

use super::question::{Compare, Question};
use brownout_core::predicate::Predicate;
use brownout_core::predicate::call::Call;
use brownout_core::predicate::pair::PairMatcher;
use brownout_core::predicate::string::Pattern;

/// Questions, and how many of them must be answered with yes.
#[derive(Debug, Clone, PartialEq)]
pub enum Need {
    Question(Question),
    /// All of these: at least two.
    All(Vec<Need>),
    /// At least one of these: at least two.
    Any(Vec<Need>),
}

impl Need {
    /// Returns what a predicate needs; `None` if it may hold for any headers.
    pub fn of(predicate: &Predicate) -> Option<Self> {
        let headers = predicate.headers.iter().flatten().filter_map(Question::of_header).filter_map(asked);
        let cookies = predicate.cookies.iter().flatten().filter_map(cookie);
        let path = predicate.path.as_ref().and_then(|path| Question::of_beginning(":path", path));
        let authority =
            predicate.authority.as_ref().and_then(|host| Question::of_beginning(":authority", host));
        let methods = predicate.methods.as_ref().and_then(|methods| {
            let method = |name: &str| Question::compared(":method", Compare::Exact(name.into()));
            asked(methods.iter().map(|name| method(name.as_str())))
        });
        let any = predicate.any.as_ref().and_then(|inner| {
            // If one of them needs nothing, `any` needs nothing.
            Self::any(inner.iter().map(Self::of).collect::<Option<Vec<_>>>()?)
        });
        let needs = headers
            .chain(cookies)
            .chain(path.map(Self::Question))
            .chain(predicate.grpc.as_deref().map(call))
            .chain(authority.map(Self::Question))
            .chain(methods)
            .chain(predicate.all.iter().flatten().filter_map(Self::of))
            .chain(any);
        Self::all(needs.collect())
    }

    /// All of these; `None` if there are none.
    pub fn all(needs: Vec<Self>) -> Option<Self> {
        several(needs, Self::All)
    }

    /// At least one of these; `None` if there are none.
    pub fn any(needs: Vec<Self>) -> Option<Self> {
        several(needs, Self::Any)
    }

    /// Returns the number of questions.
    pub fn questions(&self) -> usize {
        match self {
            Self::Question(_) => 1,
            Self::All(needs) | Self::Any(needs) => needs.iter().map(Self::questions).sum(),
        }
    }
}

/// At least one of these questions.
fn asked(questions: impl IntoIterator<Item = Question>) -> Option<Need> {
    Need::any(questions.into_iter().map(Need::Question).collect())
}

/// Removes duplicates, and does not wrap a single need: Envoy rejects that.
fn several(needs: Vec<Need>, bracket: fn(Vec<Need>) -> Need) -> Option<Need> {
    let mut different: Vec<Need> = Vec::new();
    for need in needs {
        if !different.contains(&need) {
            different.push(need);
        }
    }
    match different.len() {
        0 | 1 => different.pop(),
        _ => Some(bracket(different)),
    }
}

/// Checks for a cookie's name, which is in the header unchanged.
fn cookie(cookie: &PairMatcher) -> Option<Need> {
    let is_there = cookie.string_match.is_some() || cookie.present_match != Some(false);
    is_there.then(|| Question::compared("cookie", Compare::Contains(cookie.name.clone()))).map(Need::Question)
}

/// Recognizes a call by its content type, and by its service, which begins the path.
fn call(call: &Call) -> Need {
    let content_type = Compare::Contains("application/grpc".into());
    let content_type = Need::Question(Question::compared("content-type", content_type));
    let service = call.service.as_ref().filter(|service| !service.ignores_case());
    let path = match service.map(|service| service.pattern()) {
        Some(Pattern::Exact(name)) => Some(format!("/{name}/")),
        Some(Pattern::Prefix(name)) => Some(format!("/{name}")),
        _ => None,
    };
    let path = path.map(|path| Need::Question(Question::compared(":path", Compare::Prefix(path))));
    match path {
        Some(path) => Need::All(vec![path, content_type]),
        None => content_type,
    }
}

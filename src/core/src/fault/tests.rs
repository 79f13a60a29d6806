//! The example of the guide works.
#![allow(clippy::expect_used, clippy::panic, reason = "a test may")]

use super::teapot::Teapot;
use super::{About, Fault};
use crate::decode::Decoder;
use crate::decode::json::Json;
use crate::effect::{Effects, End};
use crate::entropy::Sequence;
use crate::view::RequestView;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

struct Plain;

impl RequestView for Plain {
    fn any_value(&self, _: &str, _: &mut dyn FnMut(&[u8]) -> bool) -> Option<bool> {
        None
    }
}

#[test]
fn the_kind_of_the_guide_works() {
    let json = Json::parse(Teapot::EXAMPLE.as_bytes()).expect("JSON");
    let teapot: Teapot = Decoder::decode(&json).expect("no mistakes");
    let mut effects = Effects::default();
    assert!(teapot.apply(&Plain, &mut Sequence(1), &mut effects));
    assert!(!teapot.apply(&Plain, &mut Sequence(1), &mut effects), "an exchange ends once");
    let Some(End::Reply(reply)) = effects.end.map(|end| end.how) else { panic!("no reply") };
    assert_eq!((reply.status, reply.body.as_slice()), (418, &b"short and stout"[..]));
    assert!(teapot.answers_with(418) && !teapot.answers_with(503));
}

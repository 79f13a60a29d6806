//! `brownout verify` against a real Envoy with several workers.

use brownout_cli::envoy::Admin;
use brownout_cli::verify::{Report, Verdict, document_of, verify};
use brownout_core::Plan;
use serde_json::{Value, json};
use std::time::Duration;
use support::client::{Connection, Protocol, Request};
use support::deadline::until;
use support::envoy::{Bootstrap, Cluster, Configuration, Envoy, Filter, Listener};
use support::load::Load;
use support::upstream::{Answer, Upstream};
use tokio::task::spawn_blocking;

const WORKERS: usize = 4;

fn rule(name: &str, percentage: u32, more: Value) -> Value {
    let mut rule = json!({
        "name": name,
        "percentage": percentage,
        "match": { "path": { "exact": format!("/{name}") } },
        "abort": { "http_status": 418 },
    });
    rule.as_object_mut().expect("an object").extend(more.as_object().cloned().expect("an object"));
    rule
}

fn rules() -> Vec<Value> {
    vec![
        rule("always", 100, json!({})),
        rule("chance", 30, json!({})),
        rule("watched", 100, json!({ "mode": "shadow" })),
        rule(
            "limited",
            100,
            json!({ "limits": { "max_active_faults": 0 }, "delay": { "fixed_delay": "1s" } }),
        ),
        rule("tenth", 100, json!({ "sample": { "every": 10 } })),
        rule("keyed", 50, json!({ "sample": { "by": { "header": "x-user" } } })),
        rule("over", 100, json!({ "schedule": { "not_after": "2020-01-01T00:00:00Z" } })),
        rule("off", 100, json!({ "mode": "off" })),
    ]
}

struct Stage {
    upstream: Upstream,
    envoy: Envoy,
}

impl Stage {
    async fn following(rules: &[Value]) -> Self {
        let upstream = Upstream::start().await;
        let configuration = Configuration::document(&json!({ "rules": rules }));
        let listener = Listener::named("main").filter(Filter::discovered("brownout", configuration));
        let bootstrap = Bootstrap::new().concurrency(WORKERS).cluster(Cluster::of(&upstream));
        let envoy = Envoy::start(bootstrap.listener(listener)).await;
        Self { upstream, envoy }
    }

    /// Sends `each` requests for each rule, on connections that reach every worker.
    async fn ask(&self, names: &[&str], each: usize) {
        let mut connections = Vec::new();
        for _ in 0..WORKERS {
            connections.push(Connection::open(Protocol::Http2, self.envoy.address("main")).await);
        }
        for name in names {
            for connection in &mut connections {
                let request = |number: usize| {
                    Request::get(&format!("/{name}")).header("x-user", (number % 3).to_string())
                };
                let requests = (0..each / WORKERS).map(request).collect();
                for reply in connection.send_at_once(requests).await {
                    reply.expect("a reply");
                }
            }
        }
    }

    async fn verify(&self, rules: &[Value], during: Option<Duration>) -> Report {
        self.verify_document(&json!({ "rules": rules }), during).await
    }

    async fn verify_document(&self, document: &Value, during: Option<Duration>) -> Report {
        let admin = Admin::new(self.envoy.admin_address());
        let text = document.to_string();
        let report = spawn_blocking(move || {
            let plan = Plan::from_json(text.as_bytes()).expect("a good document");
            verify(&admin, "test.json", &plan, during)
        });
        report.await.expect("no panic").expect("Envoy answers")
    }
}

fn verdicts(report: &Report) -> Vec<(&str, Verdict)> {
    report.findings().iter().map(|finding| (finding.name.as_str(), finding.verdict)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_takes_effect_agrees_with_the_counters() {
    let stage = Stage::following(&rules()).await;
    let names = ["always", "chance", "watched", "limited", "tenth", "keyed", "over", "off"];
    stage.ask(&names, 200).await;
    let report = stage.verify(&rules(), None).await;
    let mut seen = verdicts(&report);
    // By chance, this verdict is `Differs` one time in a thousand.
    let (_, chance) = seen.remove(1);
    assert!([Verdict::Agrees, Verdict::Differs].contains(&chance));
    assert_eq!(
        seen,
        [
            ("always", Verdict::Agrees),
            ("watched", Verdict::Agrees),
            ("limited", Verdict::Agrees),
            ("tenth", Verdict::Agrees),
            ("keyed", Verdict::Agrees),
            ("over", Verdict::Idle),
            ("off", Verdict::Idle),
        ],
        "{report}"
    );
    let json = report.json();
    let counted = |number: usize| json["rules"][number]["counted"].clone();
    assert_eq!(counted(0), json!({ "matched": 200, "injected": 200, "shadowed": 0, "overflow": 0 }));
    assert_eq!(counted(2), json!({ "matched": 200, "injected": 0, "shadowed": 200, "overflow": 0 }));
    assert_eq!(counted(3), json!({ "matched": 200, "injected": 0, "shadowed": 0, "overflow": 200 }));
    assert_eq!(counted(4), json!({ "matched": 200, "injected": 20, "shadowed": 0, "overflow": 0 }));
    let admin = Admin::new(stage.envoy.admin_address());
    let found = spawn_blocking(move || {
        let plan = document_of(&admin).expect("Envoy answers").expect("there is one document");
        plan.rules().iter().map(|rule| rule.name.as_str().to_owned()).collect::<Vec<_>>()
    });
    assert_eq!(found.await.expect("no panic"), names);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_take_effect_is_named_with_its_likely_reasons() {
    let stage = Stage::following(&rules()).await;
    let nothing = stage.verify(&rules()[..1], None).await;
    assert_eq!(verdicts(&nothing), [("always", Verdict::MatchedNothing)]);
    let text = nothing.to_string();
    assert!(!nothing.agrees() && text.contains("`always`: matched 0 requests. Likely reasons:"), "{text}");
    assert!(text.contains("this Envoy has received no requests at all"), "{text}");
    stage.ask(&["always", "tenth"], 200).await;
    let other = [
        rule("always", 50, json!({})),
        rule("tenth", 100, json!({ "sample": { "every": 2 } })),
        rule("elsewhere", 100, json!({})),
    ];
    let report = stage.verify(&other, None).await;
    let expected =
        [("always", Verdict::Differs), ("tenth", Verdict::Differs), ("elsewhere", Verdict::Unknown)];
    assert_eq!(verdicts(&report), expected, "{report}");
    assert!(!report.agrees());
    assert!(report.to_string().contains("another document is in force"), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_measure_of_its_own_leaves_out_what_was_counted_before() {
    let before = [rule("always", 0, json!({}))];
    let stage = Stage::following(&before).await;
    stage.ask(&["always"], 200).await;
    let now = [rule("always", 100, json!({}))];
    stage
        .envoy
        .configure("brownout", &Configuration::document(&json!({ "rules": now })))
        .await
        .expect("taken");
    let pause = Duration::from_millis(2);
    let ask = |_, _| Request::get("/always");
    let load = Load::start(stage.envoy.address("main"), WORKERS, pause, ask, |_| ()).await;
    let report = stage.verify(&now, Some(Duration::from_millis(500))).await;
    assert_eq!(verdicts(&report), [("always", Verdict::Agrees)], "{report}");
    load.finish().await;
    let all = stage.verify(&now, None).await;
    assert_eq!(verdicts(&all), [("always", Verdict::Differs)], "{all}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_document_that_has_stopped_disagrees_and_says_why() {
    let stage = Stage::following(&[]).await;
    let rules = [rule("always", 100, json!({}))];
    let document = json!({
        "stop_when": { "error_percentage": 50, "window": "1h", "min_requests": 10 },
        "rules": rules,
    });
    stage.envoy.configure("brownout", &Configuration::document(&document)).await.expect("taken");
    stage.ask(&["always"], 40).await;
    let before = stage.verify_document(&document, None).await;
    assert!(before.agrees() && before.json()["stopped"] == json!(false), "{before}");
    stage.upstream.answer_with(Answer { status: 500, ..Answer::default() });
    stage.ask(&["other"], 40).await;
    until("the gauge", async || (stage.envoy.stats().await.value("stopped") == 1).then_some(())).await;
    for during in [None, Some(Duration::from_millis(10))] {
        let report = stage.verify_document(&document, during).await;
        assert!(!report.agrees() && report.json()["stopped"] == json!(true), "{report}");
        assert!(report.to_string().contains("Injection has stopped: `stop_when` was triggered."), "{report}");
    }
    let other = stage.verify(&rules, None).await;
    assert!(other.agrees(), "a document without a `stop_when` cannot have been it: {other}");
}

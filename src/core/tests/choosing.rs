//! Matching by query parameters, cookies, gRPC, names, source, and the proxy itself.

use crate::common;

use brownout_core::decode::Decoder;
use brownout_core::predicate::{Part, Predicate};
use brownout_core::view::{Property, RequestView};
use common::asked::Asked;
use common::{Head, Steps, about_match, json, matching};
use std::cell::RefCell;
#[cfg(target_family = "wasm")]
use wasm_bindgen_test::wasm_bindgen_test as test;

fn predicate(text: &str) -> Predicate {
    Decoder::decode(&json(text)).unwrap_or_else(|found| panic!("{text}: {found:?}"))
}

fn holds(text: &str, request: &dyn RequestView) -> bool {
    predicate(text).matches(request)
}

/// Returns those of the requests that satisfy a predicate.
#[track_caller]
fn assert_chooses<'t>(text: &str, make: impl Fn(&'t str) -> Asked, yes: &[&'t str], no: &[&'t str]) {
    let predicate = predicate(text);
    let chosen = |those: &[&'t str]| -> Vec<&'t str> {
        those.iter().copied().filter(|one| predicate.matches(&make(one))).collect()
    };
    assert_eq!((chosen(yes), chosen(no)), (yes.to_vec(), vec![]), "{text}");
}

fn path(path: &str) -> Asked {
    Asked::of(common::head(&[(":path", path.as_bytes())]))
}

#[test]
fn a_query_parameter_is_there_with_or_without_a_value() {
    let there =
        ["/?a", "/?a=", "/?a=1", "/?b&a", "/?&&a&", "/?a&a=1", "/p?x=?&a", "/?%61", "/?a#a", "/?a==", "?a"];
    let missing =
        ["/", "/?", "/a", "/?A", "/?b=a", "/?ab", "/?=a", "/#?a", "/#a?a", "/?b#a", "/?%2561", "/?a+"];
    for present in [r#"{"name":"a"}"#, r#"{"name":"a","present_match":true}"#] {
        assert_chooses(&format!(r#"{{"query_parameters":[{present}]}}"#), path, &there, &missing);
    }
    let absent = r#"{"query_parameters":[{"name":"a","present_match":false}]}"#;
    assert_chooses(absent, path, &missing, &there);
    assert!(holds(absent, &Head::default()), "a request without a path has no parameters");
}

#[test]
fn a_query_parameter_is_compared_percent_decoded_and_a_plus_is_a_plus() {
    for (value, yes, no) in [
        (
            "1",
            &["/?a=1", "/?a=%31", "/?a=2&a=1", "/?%61=1", "/?b=2&a=1#x"][..],
            &["/?a=11", "/?a", "/?a=2", "/?a=1="][..],
        ),
        ("", &["/?a", "/?a=", "/?a&a=1"], &["/", "/?a=1"]),
        ("b c", &["/?a=b%20c"], &["/?a=b+c", "/?a=b%2520c"]),
        ("b+c", &["/?a=b+c", "/?a=b%2bc", "/?a=b%2Bc"], &["/?a=b%20c"]),
        ("=&#?", &["/?a==%26%23?", "/?a=%3D%26%23%3F"], &["/?a==&#?"]),
        ("100%", &["/?a=100%", "/?a=100%25"], &["/?a=100"]),
        ("%zz%2", &["/?a=%zz%2"], &["/?a=zz2"]),
        ("%+1", &["/?a=%+1"], &["/?a=1"]),
        ("é", &["/?a=%C3%A9", "/?a=é"], &["/?a=%E9"]),
    ] {
        let text = format!(r#"{{"query_parameters":[{{"name":"a","string_match":{{"exact":"{value}"}}}}]}}"#);
        assert_chooses(&text, path, yes, no);
    }
    let odd = common::head(&[(":path", b"/?a=%ff&b=\xff%00")]);
    let any = |name: &str| {
        format!(r#"{{"query_parameters":[{{"name":"{name}","string_match":{{"safe_regex":".+"}}}}]}}"#)
    };
    assert!(holds(&any("a"), &odd) && holds(&any("b"), &odd), "bytes that are no text");
    let both = r#"{"query_parameters":[{"name":"a","string_match":{"prefix":"1"}},{"name":"b"}]}"#;
    assert_chooses(both, path, &["/?a=12&b", "/?b=&a=1"], &["/?a=1", "/?b", "/?a=2&b"]);
}

/// Cookie headers, each on a line of its own.
fn cookies(lines: &str) -> Asked {
    Asked::of(common::head(&lines.lines().map(|line| ("cookie", line.as_bytes())).collect::<Vec<_>>()))
}

#[test]
fn a_cookie_that_occurs_twice_matches_by_either() {
    let session = r#"{"cookies":[{"name":"s","string_match":{"exact":"1"}}]}"#;
    let yes =
        ["s=1", "a=b; s=1", "a=b;s=1 ;c=d", "s=2; s=1", "s=1; s=2", "s=2\ns=1", "a=b\nc=d; s=1", "\ts=1\t"];
    let no = ["", "s=2", "s", "S=1", "s=1=", "s=11", "as=1", "s=\"1\"", "a=b, s=1", "s%3D1"];
    assert_chooses(session, cookies, &yes, &no);
    let there = r#"{"cookies":[{"name":"s"}]}"#;
    assert_chooses(there, cookies, &["s", "s=", "s=1", "a=b\ns"], &["", ";", "=s", "a=s", "ss=1"]);
    let missing = r#"{"cookies":[{"name":"s","present_match":false}]}"#;
    assert_chooses(missing, cookies, &["", ";", "=s", "a=s"], &["s", "s=", "a=b\ns"]);
    let both = r#"{"cookies":[{"name":"s"},{"name":"t","string_match":{"suffix":"=="}}]}"#;
    assert_chooses(both, cookies, &["s; t=YQ==", "t=YQ==\ns"], &["s", "t=YQ==", "s; t=YQ"]);
}

#[test]
fn matchers_of_parameters_and_cookies_have_a_name_and_say_one_thing() {
    for field in ["query_parameters", "cookies"] {
        let said = |matcher: &str| about_match(&format!(r#"{{"{field}":[{{"name":"a"}},{matcher}]}}"#));
        assert_eq!(said(r#"{"name":""}"#), [format!("{field}[1].name: empty name")]);
        let label = "`string_match` and `present_match` exclude each other";
        let both = r#"{"name":"a","string_match":{"exact":"1"},"present_match":true}"#;
        assert_eq!(said(both), [format!("{field}[1]: invalid matcher: {label}")]);
        assert_eq!(said("{}").len(), 1, "a name has to be there");
    }
}

/// A call: path and content type.
fn call(line: &str) -> Asked {
    let (path, content_type) = line.split_once(' ').unwrap_or((line, "application/grpc"));
    let headers = [(":path", path.as_bytes()), ("content-type", content_type.as_bytes())];
    Asked::of(common::head(&headers))
}

#[test]
fn a_grpc_call_is_known_by_its_path_and_its_content_type() {
    let pay = r#"{"grpc":{"service":{"exact":"shop.v1.Checkout"},"method":{"exact":"Pay"}}}"#;
    assert_chooses(
        pay,
        call,
        &[
            "/shop.v1.Checkout/Pay",
            "/shop.v1.Checkout/Pay application/grpc+proto",
            "/shop.v1.Checkout/Pay?a=b",
        ],
        &[
            "/shop.v1.Checkout/Pay application/json",
            "/shop.v1.Checkout/Pay application/grpc-web",
            "/shop.v1.Checkout/Pay application/grpc;x=y",
            "/shop.v1.Checkout/pay",
            "/shop.v1.Checkout/Pay/",
            "/shop.v1.Checkout",
            "shop.v1.Checkout/Pay",
            "/a/shop.v1.Checkout/Pay",
            "//shop.v1.Checkout/Pay",
        ],
    );
    let service = r#"{"grpc":{"service":{"prefix":"shop."}}}"#;
    assert_chooses(
        service,
        call,
        &["/shop.v1.Cart/Add", "/shop./X"],
        &["/bank.shop.v1/Add", "/shop.v1.Cart"],
    );
    let method = r#"{"grpc":{"method":{"safe_regex":"Get.*"}}}"#;
    assert_chooses(method, call, &["/a.B/Get", "/a.B/GetAll"], &["/Get/All", "/a.B/get", "/GetAll"]);
    assert_chooses(r#"{"grpc":{}}"#, call, &["/a.B/C"], &["/a.B/C text/html", "/a.B/C application/grpcx"]);
    assert!(!holds(r#"{"grpc":{}}"#, &common::head(&[(":path", b"/a.B/C")])), "no content type at all");
}

#[test]
fn names_in_use_are_compared_and_a_missing_one_matches_nothing() {
    for (field, property) in [
        ("route", Property::RouteName),
        ("virtual_host", Property::VirtualHostName),
        ("cluster", Property::ClusterName),
    ] {
        let named = |name: &'static str| Asked::get(&[]).with(property, name);
        let text = |matcher: &str| format!(r#"{{"{field}":{matcher}}}"#);
        assert_chooses(&text(r#"{"exact":"pay"}"#), named, &["pay"], &["", "Pay", "pay-2"]);
        assert_chooses(
            &text(r#"{"prefix":"outbound|80|"}"#),
            named,
            &["outbound|80||cart"],
            &["", "inbound|80|"],
        );
        assert_chooses(&text(r#"{"safe_regex":".*"}"#), named, &["x"], &[""]);
        assert!(!holds(&text(r#"{"safe_regex":".*"}"#), &Asked::get(&[])), "{field}");
        let elsewhere = [Property::RouteName, Property::VirtualHostName, Property::ClusterName];
        let others = elsewhere.into_iter().filter(|other| *other != property);
        let request = others.fold(Asked::get(&[]), |request, other| request.with(other, "pay"));
        assert!(!holds(&text(r#"{"exact":"pay"}"#), &request), "{field} is no other name");
    }
}

#[test]
fn a_direction_is_that_of_the_listener() {
    let listener =
        |direction: u64| Asked::get(&[]).with(Property::ListenerDirection, direction.to_le_bytes());
    let holds =
        |direction: &str, request: &Asked| holds(&format!(r#"{{"direction":"{direction}"}}"#), request);
    for (direction, expected) in [(0, [false, false]), (1, [true, false]), (2, [false, true])] {
        let request = listener(direction);
        assert_eq!(["inbound", "outbound"].map(|name| holds(name, &request)), expected, "{direction}");
    }
    assert_eq!(["inbound", "outbound"].map(|name| holds(name, &Asked::get(&[]))), [false, false]);
    let expected = "expected `inbound` or `outbound`";
    for wrong in ["\"Inbound\"", "\"both\"", "1"] {
        let found = wrong.trim_matches('"');
        let said = about_match(&format!(r#"{{"direction":{wrong}}}"#));
        assert_eq!(said, [format!("direction: invalid direction: found `{found}`, {expected}")]);
    }
}

fn from(address: &str) -> Asked {
    Asked::get(&[]).with(Property::SourceAddress, address)
}

#[test]
fn a_source_is_in_a_network_whichever_way_its_address_is_written() {
    let cidrs = |list: &str| format!(r#"{{"source":{{"cidrs":[{list}]}}}}"#);
    for (list, yes, no) in [
        (
            r#""10.0.0.0/8""#,
            &[
                "10.0.0.0:1",
                "10.255.255.255:65535",
                "10.1.2.3",
                "[::ffff:10.1.2.3]:80",
                "[::ffff:a01:203]:80",
            ][..],
            &["9.255.255.255:1", "11.0.0.0:1", "[::a01:203]:80", "[2001:db8::10.1.2.3]:80"][..],
        ),
        (r#""192.168.1.7""#, &["192.168.1.7:80"], &["192.168.1.6:80", "192.168.1.8:80"]),
        (r#""192.168.1.128/25""#, &["192.168.1.128:1", "192.168.1.255:1"], &["192.168.1.127:1"]),
        (r#""0.0.0.0/0""#, &["1.2.3.4:5", "[::ffff:1.2.3.4]:5"], &["[::1]:5", "[2001:db8::1]:5"]),
        (r#""::/0""#, &["[::1]:5", "2001:db8::1"], &["1.2.3.4:5", "[::ffff:1.2.3.4]:5"]),
        (
            r#""2001:db8::/33""#,
            &["[2001:db8::1]:80", "[2001:db8:7fff:ffff::]:80", "2001:DB8::1"],
            &["[2001:db8:8000::]:80", "[2001:db7:ffff::]:80"],
        ),
        (
            r#""::1""#,
            &["[::1]:80", "::1", "[0:0:0:0:0:0:0:1]:80"],
            &["[::2]:80", "0.0.0.1:80", "127.0.0.1:80"],
        ),
        // Written as IPv6, it means the same IPv4 addresses.
        (r#""::ffff:10.0.0.0/104""#, &["10.1.2.3:80", "[::ffff:10.1.2.3]:80"], &["11.0.0.0:80"]),
        (r#""::ffff:10.0.0.1""#, &["10.0.0.1:80", "[::ffff:10.0.0.1]:80"], &["10.0.0.2:80"]),
        (r#""10.0.0.0/8","fd00::/8""#, &["10.1.1.1:1", "[fdab::1]:1"], &["11.1.1.1:1", "[fe80::1]:1"]),
    ] {
        assert_chooses(&cidrs(list), from, yes, no);
    }
    let nowhere = [
        "",
        "/run/app.sock",
        "@envoy",
        "10.0.0.1:x",
        "10.0.0:1",
        "[10.0.0.1]:1",
        "shop:80",
        "[::1",
        "10.0.0.1:99999",
    ];
    assert_chooses(&cidrs(r#""0.0.0.0/0","::/0""#), from, &[], &nowhere);
    assert!(!holds(&cidrs(r#""0.0.0.0/0""#), &Asked::get(&[])), "a request from nowhere");
}

#[test]
fn what_is_no_network_is_refused_with_the_one_that_was_meant() {
    let said = |cidr: &str| about_match(&format!(r#"{{"source":{{"cidrs":["::1",{cidr}]}}}}"#));
    for wrong in [
        "10.0.0.0/33",
        "::/129",
        "10.0.0.0/",
        "10.0.0.0/-1",
        "10.0.0.0/+8",
        "10.0.0/8",
        "10.0.0.256",
        "shop",
        "",
        "/8",
        "[::1]",
        "::1%eth0",
        "10.0.0.1:80",
        "010.0.0.1",
        " 10.0.0.1",
        "10.0.0.0/8/8",
        "10.0.0.0/0x8",
    ] {
        let label = format!("found `{wrong}`, expected a network such as `\"10.0.0.0/8\"`");
        assert_eq!(said(&format!("\"{wrong}\"")), [format!("source.cidrs[1]: invalid network: {label}")]);
    }
    for (wrong, prefix, network) in [
        ("10.0.0.1/8", 8, "10.0.0.0/8"),
        ("1.2.3.4/0", 0, "0.0.0.0/0"),
        ("2001:db8::1/32", 32, "2001:db8::/32"),
    ] {
        let address = wrong.split('/').next().unwrap();
        let label = format!("`{wrong}` has bits set after the first {prefix}");
        let help = format!("write `{network}`, or `{address}` for one address");
        assert_eq!(
            said(&format!("\"{wrong}\"")),
            [format!("source.cidrs[1]: invalid network: {label}; {help}")]
        );
    }
    let empty = about_match(r#"{"source":{"cidrs":[]}}"#);
    assert!(
        empty.len() == 1 && empty[0].starts_with("source.cidrs: an empty `cidrs` matches nothing"),
        "{empty:?}"
    );
}

#[test]
fn a_principal_is_the_first_uri_of_the_peers_certificate() {
    let cart = "spiffe://cluster.local/ns/shop/sa/cart";
    let peer = |uri: &'static str| Asked::get(&[]).with(Property::PeerUriSan, uri);
    let text = |matcher: &str| format!(r#"{{"source":{{"principal":{matcher}}}}}"#);
    assert_chooses(
        &text(&format!(r#"{{"exact":"{cart}"}}"#)),
        peer,
        &[cart],
        &["", "spiffe://cluster.local/ns/shop/sa/cart2"],
    );
    assert_chooses(
        &text(r#"{"contains":"/ns/shop/"}"#),
        peer,
        &[cart],
        &["spiffe://cluster.local/ns/bank/sa/cart"],
    );
    assert!(!holds(&text(r#"{"safe_regex":".*"}"#), &Asked::get(&[])), "a peer without a certificate");
    let both = format!(r#"{{"source":{{"cidrs":["10.0.0.0/8"],"principal":{{"exact":"{cart}"}}}}}}"#);
    let request = |address: &str, uri: &str| from(address).with(Property::PeerUriSan, uri);
    assert!(holds(&both, &request("10.1.1.1:1", cart)));
    assert!(!holds(&both, &request("11.1.1.1:1", cart)) && !holds(&both, &request("10.1.1.1:1", "x")));
    assert!(holds(r#"{"source":{}}"#, &Asked::get(&[])), "a source without conditions is any");
}

/// A proxy that records what it is asked.
struct Questioned(RefCell<Vec<String>>);

impl Questioned {
    fn read(&self, property: Property<'_>) -> Option<Vec<u8>> {
        self.0.borrow_mut().push(format!("{property:?}"));
        let value = match property {
            Property::NodeId => "sidecar~10.0.0.1~cart-1.shop~shop.svc",
            Property::NodeCluster => "cart.shop",
            Property::NodeNamespace => "shop",
            Property::NodeLabel("app") => "cart",
            _ => return None,
        };
        Some(value.into())
    }
}

/// Returns whether a predicate holds at that proxy for any request; the request is asked nothing.
fn settled(text: &str) -> bool {
    let predicate = predicate(text);
    let proxy = Questioned(RefCell::default());
    predicate.settle(&|property| proxy.read(property));
    let request = Asked::get(&[]);
    let holds = predicate.matches(&request);
    assert_eq!(request.questions(), [""; 0], "{text}");
    holds
}

#[test]
fn a_node_is_known_by_its_id_its_cluster_its_namespace_and_its_labels() {
    for (node, expected) in [
        ("{}", true),
        (r#"{"id":{"prefix":"sidecar~"}}"#, true),
        (r#"{"id":{"prefix":"router~"}}"#, false),
        (r#"{"cluster":{"exact":"cart.shop"}}"#, true),
        (r#"{"cluster":{"exact":"cart"}}"#, false),
        (r#"{"namespace":{"exact":"shop"}}"#, true),
        (r#"{"namespace":{"suffix":"bank"}}"#, false),
        (r#"{"labels":{}}"#, true),
        (r#"{"labels":{"app":"cart"}}"#, true),
        (r#"{"labels":{"app":"Cart"}}"#, false),
        (r#"{"labels":{"app":""}}"#, false),
        (r#"{"labels":{"version":"v1"}}"#, false),
        (r#"{"labels":{"app":"cart","version":"v1"}}"#, false),
        (
            r#"{"id":{"prefix":"sidecar~"},"cluster":{"contains":"cart"},"namespace":{"exact":"shop"},"labels":{"app":"cart"}}"#,
            true,
        ),
        (r#"{"id":{"prefix":"sidecar~"},"namespace":{"exact":"bank"}}"#, false),
    ] {
        assert_eq!(settled(&format!(r#"{{"node":{node}}}"#)), expected, "{node}");
        assert_eq!(settled(&format!(r#"{{"not":{{"node":{node}}}}}"#)), !expected, "not {node}");
        assert_eq!(settled(&format!(r#"{{"all":[{{}},{{"node":{node}}}]}}"#)), expected, "all {node}");
        assert_eq!(
            settled(&format!(r#"{{"any":[{{"not":{{}}}},{{"node":{node}}}]}}"#)),
            expected,
            "any {node}"
        );
    }
    let said = about_match(r#"{"node":{"labels":{"app":1}}}"#);
    assert_eq!(said, ["node.labels.app: invalid value: found `1`, expected a string"]);
}

#[test]
fn a_proxy_is_asked_once_when_the_document_arrives_and_only_what_it_names() {
    let document = r#"{"exclude":[{"node":{"cluster":{"exact":"other"}}}],"rules":[
        {"name":"here","match":{"node":{"labels":{"app":"cart"}}},"percentage":100,"abort":{"http_status":500}}]}"#;
    let mut plan = common::plan(document);
    let proxy = Questioned(RefCell::default());
    plan.settle(&|property| proxy.read(property));
    assert_eq!(*proxy.0.borrow(), ["NodeCluster", "NodeLabel(\"app\")"]);
    let mut worker = common::proxy("{}", &[]);
    worker.engine = brownout_core::Engine::new(plan, common::Scripted::default());
    let request = Asked::get(&[]);
    assert_eq!([(); 3].map(|()| worker.status(&request)), [500; 3]);
    assert_eq!((proxy.0.borrow().len(), request.questions()), (2, vec![]));
}

#[test]
fn nobody_knows_the_node_before_it_has_been_asked() {
    let node = matching(r#"{"node":{"id":{"safe_regex":".*"}}}"#);
    assert_eq!(common::proxy(&node, &[]).status(&common::get(&[])), 0);
}

#[test]
fn all_any_and_not_nest() {
    let x = |name: &str| format!(r#"{{"headers":[{{"name":"{name}"}}]}}"#);
    let (a, b, c) = (x("a"), x("b"), x("c"));
    let table = |text: &str| -> Vec<u8> {
        let predicate = predicate(text);
        let request = |bits: u8| {
            let names = ["a", "b", "c"].iter().enumerate().filter(move |(place, _)| bits & (1 << place) != 0);
            common::get(&names.map(|(_, name)| (*name, "")).collect::<Vec<_>>())
        };
        (0..8).filter(|bits| predicate.matches(&request(*bits))).collect()
    };
    // a is 1, b is 2, c is 4.
    for (text, expected) in [
        (format!(r#"{{"all":[{a},{b}]}}"#), &[3, 7][..]),
        (format!(r#"{{"any":[{a},{b}]}}"#), &[1, 2, 3, 5, 6, 7]),
        (format!(r#"{{"not":{a}}}"#), &[0, 2, 4, 6]),
        (format!(r#"{{"all":[{a}],"any":[{b},{c}]}}"#), &[3, 5, 7]),
        (format!(r#"{{"any":[{a},{b}],"not":{c}}}"#), &[1, 2, 3]),
        (format!(r#"{{"not":{{"not":{a}}}}}"#), &[1, 3, 5, 7]),
        (format!(r#"{{"not":{{"any":[{a},{{"all":[{b},{c}]}}]}}}}"#), &[0, 2, 4]),
        (
            format!(r#"{{"any":[{{"all":[{a},{{"not":{b}}}]}},{{"all":[{b},{{"not":{a}}}]}}]}}"#),
            &[1, 2, 5, 6],
        ),
        (r#"{"all":[]}"#.into(), &[0, 1, 2, 3, 4, 5, 6, 7]),
        (r#"{"not":{}}"#.into(), &[]),
    ] {
        assert_eq!(table(&text), expected, "{text}");
    }
    let deep = (0..50).fold(a.clone(), |inner, _| format!(r#"{{"not":{inner}}}"#));
    assert_eq!(table(&deep), [1, 3, 5, 7], "fifty times");
    assert_eq!(
        about_match(r#"{"any":[]}"#),
        ["any: an empty `any` matches nothing; leave it out, or list at least one predicate"]
    );
    assert_eq!(about_match(r#"{"all":[{"not":{"path":{"prefix":7}}}]}"#).len(), 1);
}

#[test]
fn the_first_part_that_fails_is_named() {
    let request = Asked::get(&[("content-type", "application/json"), ("a", "1"), ("cookie", "c=1")])
        .with(Property::RouteName, "pay")
        .with(Property::SourceAddress, "10.0.0.1:1")
        .with(Property::ListenerDirection, 1_u64.to_le_bytes());
    let part = |field, index: Option<usize>| Some(Part { field, index });
    for (text, expected) in [
        ("{}", None),
        (r#"{"methods":["GET"],"headers":[{"name":"a"}],"route":{"exact":"pay"}}"#, None),
        (r#"{"methods":["PUT"],"path":{"exact":"/x"}}"#, part("methods", None)),
        (r#"{"path":{"exact":"/x"},"headers":[{"name":"b"}]}"#, part("path", None)),
        (r#"{"authority":{"exact":"bank"}}"#, part("authority", None)),
        (r#"{"grpc":{}}"#, part("grpc", None)),
        (r#"{"headers":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#, part("headers", Some(1))),
        (
            r#"{"query_parameters":[{"name":"q"}],"headers":[{"name":"b"}]}"#,
            part("query_parameters", Some(0)),
        ),
        (r#"{"cookies":[{"name":"c"},{"name":"d"}]}"#, part("cookies", Some(1))),
        (r#"{"route":{"exact":"cart"},"headers":[{"name":"a"}]}"#, part("route", None)),
        (r#"{"virtual_host":{"exact":"x"}}"#, part("virtual_host", None)),
        (r#"{"cluster":{"exact":"x"}}"#, part("cluster", None)),
        (r#"{"source":{"cidrs":["11.0.0.0/8"]}}"#, part("source", None)),
        (r#"{"direction":"outbound"}"#, part("direction", None)),
        (r#"{"direction":"inbound","node":{"id":{"exact":"x"}}}"#, part("node", None)),
        (r#"{"all":[{},{"methods":["GET"]},{"methods":["PUT"]}]}"#, part("all", Some(2))),
        (r#"{"any":[{"methods":["PUT"]},{"path":{"exact":"/x"}}]}"#, part("any", None)),
        (r#"{"not":{"methods":["GET"]}}"#, part("not", None)),
        (r#"{"methods":["PUT"],"not":{"methods":["GET"]},"node":{"id":{"exact":"x"}}}"#, part("node", None)),
    ] {
        assert_eq!(predicate(text).failing(&request), expected, "{text}");
    }
}

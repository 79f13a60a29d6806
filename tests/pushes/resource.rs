//! The resources of a control plane, in Envoy's published types.

use envoy_types::pb::envoy::config::core::v3::async_data_source::Specifier;
use envoy_types::pb::envoy::config::core::v3::data_source::Specifier as Place;
use envoy_types::pb::envoy::config::core::v3::{AsyncDataSource, DataSource, Metadata, TypedExtensionConfig};
use envoy_types::pb::envoy::config::route::v3::route::Action;
use envoy_types::pb::envoy::config::route::v3::route_action::ClusterSpecifier;
use envoy_types::pb::envoy::config::route::v3::route_match::PathSpecifier;
use envoy_types::pb::envoy::config::route::v3::{
    Route, RouteAction, RouteConfiguration, RouteMatch, VirtualHost,
};
use envoy_types::pb::envoy::extensions::filters::http::wasm::v3::Wasm;
use envoy_types::pb::envoy::extensions::wasm::v3::plugin_config::Vm;
use envoy_types::pb::envoy::extensions::wasm::v3::{FailurePolicy, PluginConfig, VmConfig};
use envoy_types::pb::google::protobuf::value::Kind;
use envoy_types::pb::google::protobuf::{Any, Duration, StringValue, Struct, Value};
use prost::{Message, Name};
use std::path::Path;
use support::envoy::Cluster;

/// The only resource of its kind.
#[derive(Debug, Clone)]
pub struct Resource(Any);

impl Resource {
    /// The plugin of this name, with the module from a file and a document.
    pub fn plugin(name: &str, module: &Path, document: &str) -> Self {
        let code = DataSource {
            specifier: Some(Place::Filename(module.to_str().expect("a path in UTF-8").into())),
            ..DataSource::default()
        };
        let vm = VmConfig {
            runtime: "envoy.wasm.runtime.v8".into(),
            code: Some(AsyncDataSource { specifier: Some(Specifier::Local(code)) }),
            ..VmConfig::default()
        };
        let plugin = PluginConfig {
            name: name.into(),
            root_id: name.into(),
            configuration: Some(packed(&StringValue { value: document.into() })),
            failure_policy: FailurePolicy::FailOpen.into(),
            vm: Some(Vm::VmConfig(vm)),
            ..PluginConfig::default()
        };
        let typed_config = Some(packed(&Wasm { config: Some(plugin) }));
        Self(packed(&TypedExtensionConfig { name: name.into(), typed_config }))
    }

    /// Routes of this name, all to the usual cluster: one for each prefix, with its document if it has one.
    pub fn routes(name: &str, prefixes: &[(&str, Option<&str>)]) -> Self {
        let host = VirtualHost {
            name: "all".into(),
            domains: vec!["*".into()],
            routes: prefixes.iter().map(|&(prefix, document)| route(prefix, document)).collect(),
            ..VirtualHost::default()
        };
        Self(packed(&RouteConfiguration {
            name: name.into(),
            virtual_hosts: vec![host],
            ..RouteConfiguration::default()
        }))
    }

    /// Returns which kind of resource it is.
    pub fn kind(&self) -> &str {
        &self.0.type_url
    }

    /// Itself as it is sent.
    pub fn into_any(self) -> Any {
        self.0
    }
}

fn route(prefix: &str, document: Option<&str>) -> Route {
    let action = RouteAction {
        cluster_specifier: Some(ClusterSpecifier::Cluster(Cluster::USUAL.into())),
        timeout: Some(Duration { seconds: 0, nanos: 0 }),
        ..RouteAction::default()
    };
    Route {
        r#match: Some(RouteMatch {
            path_specifier: Some(PathSpecifier::Prefix(prefix.into())),
            ..RouteMatch::default()
        }),
        metadata: document.map(metadata),
        action: Some(Action::Route(action)),
        ..Route::default()
    }
}

fn metadata(document: &str) -> Metadata {
    let text = Value { kind: Some(Kind::StringValue(document.into())) };
    let fields = Struct { fields: [("json".into(), text)].into() };
    Metadata { filter_metadata: [("brownout".into(), fields)].into(), ..Metadata::default() }
}

fn packed<M: Message + Name>(message: &M) -> Any {
    Any { type_url: M::type_url(), value: message.encode_to_vec() }
}

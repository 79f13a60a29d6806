//! Renders an `EnvoyExtensionPolicy` for Envoy Gateway.

use super::faults::Faults;
use super::given::{Common, Digest, ModuleSource, Name, Ungated};
use super::yaml::{Map, Yaml};
use super::{Misfit, ROUTE_IS_CHOSEN_ANEW, Rendered, misfit, resource};

#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pub common: Common,
    #[command(flatten)]
    ungated: Ungated,
    /// The namespace of the resource and its target.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: Name,
    /// The HTTPRoute that gets the faults.
    #[arg(long, value_name = "NAME", conflicts_with = "gateway")]
    route: Option<Name>,
    /// The Gateway whose routes all get the faults.
    #[arg(long, value_name = "NAME")]
    gateway: Option<Name>,
    #[command(flatten)]
    image: ModuleSource,
    /// The secret for pulling the image.
    #[arg(long, value_name = "NAME", requires = "image")]
    pull_secret: Option<Name>,
}

impl Arguments {
    pub(super) fn render(&self, faults: &Faults) -> Result<Rendered, Misfit> {
        self.ungated.check("Envoy Gateway cannot configure Envoy's own filters, which a gate needs")?;
        if faults.is_upstream() {
            return misfit(
                "Envoy Gateway puts the module only into listeners, but the document's `placement` is `upstream`: leave `placement` out, or use another target",
            );
        }
        let (kind, name) = match (&self.route, &self.gateway) {
            (Some(route), _) => ("HTTPRoute", route),
            (None, Some(gateway)) => ("Gateway", gateway),
            (None, None) => return misfit("give a target with `--route` or `--gateway`"),
        };
        let Some(image) = &self.image.image else {
            return misfit("give the module's image with `--image`");
        };
        let target =
            Map::new().field("group", "gateway.networking.k8s.io").field("kind", kind).field("name", &name.0);
        let spec = Map::new().field("targetRefs", vec![target]).field("wasm", vec![self.wasm(image, faults)]);
        let metadata = Map::new().field("name", &self.common.name.0).field("namespace", &self.namespace.0);
        let about = "Brownout in Envoy Gateway.";
        let api = "gateway.envoyproxy.io/v1alpha1";
        let manifest = resource(about, api, "EnvoyExtensionPolicy", metadata, spec);
        let mut rendered = Rendered::new(&manifest)
            .warn(true, "Envoy Gateway delivers an edit with the listener: open connections keep the old document until they drain")
            .warn(faults.resets(), "HTTP/1.1 clients notice a reset one second late, because this resource cannot set the connection manager's `delayed_close_timeout`")
            .warn(faults.changes_requests(), ROUTE_IS_CHOSEN_ANEW);
        rendered.warnings.extend(self.image.warning());
        Ok(rendered)
    }

    fn wasm(&self, image: &str, faults: &Faults) -> Map {
        let sha256 = self.image.digest.as_ref().map(|Digest(digits)| Yaml::Quoted(digits.clone()));
        let secret = self.pull_secret.as_ref().map(|name| Map::new().field("name", &name.0));
        let source = Map::new().field("url", image).maybe("sha256", sha256).maybe("pullSecretRef", secret);
        let code =
            Map::new().field("type", "Image").field("image", source).field("pullPolicy", "IfNotPresent");
        Map::new()
            .field("name", "brownout")
            .field("rootID", "brownout")
            .comment("Without this line, a module that cannot be fetched takes the routes down.")
            .field("failOpen", true)
            .field("code", code)
            .comment("The document. An edit applies only to new connections.")
            .field("config", &faults.whole())
    }
}

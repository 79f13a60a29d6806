//! The command line of `brownout image`.

use super::bundle::Form;
use crate::arguments::Format;
use oci_client::Reference;
use std::path::PathBuf;

/// Build an OCI image of the module, for Istio, Envoy Gateway and anything else that pulls modules from a registry.
///
/// There are two forms, and Istio's agent accepts both: `compat`, an image with the file `plugin.wasm`, which every
/// registry accepts; and `artifact`, which holds a description and the raw module. Builds are reproducible: the same
/// module always gives the same bytes and the same digests.
///
/// The digests are always printed, even without `--layout` or `--push`. For `sha256` in a WasmPlugin, use a form's
/// digest with an `oci://` URL, and the module's own digest with `https://` and `file://`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write both forms to this folder as an OCI layout, under the names `compat` and `artifact`.
    #[arg(long, value_name = "DIR")]
    pub(super) layout: Option<PathBuf>,
    /// Push one form to a registry, for example to `registry.example/faults/brownout:0.2.0`.
    #[arg(long, value_name = "REF", value_parser = reference)]
    pub(super) push: Option<Reference>,
    /// The form to push.
    #[arg(long, value_name = "FORM", default_value = "compat", requires = "push")]
    pub(super) form: Form,
    /// Use HTTP without TLS. Anyone on the network path can then read what is pushed, and the password.
    #[arg(long, requires = "push")]
    pub(super) plain_http: bool,
    /// The registry user. Default: the credentials that `docker login` left in Docker's configuration.
    #[arg(long, value_name = "NAME", requires_all = ["push", "password_stdin"])]
    pub(super) username: Option<String>,
    /// Read the user's password or token from standard input.
    #[arg(long, requires = "username")]
    pub(super) password_stdin: bool,
    /// Use this module instead of the built-in one.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_MODULE")]
    pub(super) module: Option<PathBuf>,
    /// Output format of the digests: `text` or `json`.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
}

fn reference(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|_| {
        "expected a registry, a repository and a tag, such as `registry.example/brownout:0.2.0`".to_owned()
    })?;
    match (reference.digest(), text.rsplit('/').next()) {
        (Some(_), _) => Err("push to a tag, not a digest: write `brownout:0.2.0`".into()),
        // The parser would fill in `latest`, which Istio pulls again each time.
        (None, Some(last)) if last.contains(':') => Ok(reference),
        (None, _) => Err(format!("missing tag: write `{text}:0.2.0`")),
    }
}

#[cfg(test)]
mod tests {
    use super::reference;

    #[test]
    fn a_reference_has_a_tag_and_no_digest() {
        let good = reference("127.0.0.1:5000/faults/brownout:1").expect("a reference");
        assert_eq!(good.to_string(), "127.0.0.1:5000/faults/brownout:1");
        assert_eq!(
            reference("registry.example:5000/brownout"),
            Err("missing tag: write `registry.example:5000/brownout:0.2.0`".into())
        );
        let digest = format!("registry.example/brownout@sha256:{}", "a".repeat(64));
        assert!(reference(&digest).is_err_and(|error| error.contains("push to a tag")));
        assert!(reference("no spaces:1").is_err_and(|error| error.starts_with("expected a registry")));
    }
}

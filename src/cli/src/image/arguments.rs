//! What the command line of `brownout image` says.

use super::bundle::Form;
use crate::arguments::Format;
use oci_client::Reference;
use std::path::PathBuf;

/// Make an OCI image of the module, for Istio, Envoy Gateway and whatever else pulls modules from a registry.
///
/// There are two forms, and Istio's agent takes both: `compat`, an image with the file `plugin.wasm`, which every
/// registry takes; and `artifact`, the module as it is beside a description. The same module gives the same bytes
/// and the same digests, wherever it is packed.
///
/// The digests are printed, with and without `--layout` or `--push`: that of a form is what `sha256` of a WasmPlugin
/// with an `oci://` address wants, that of the module itself is for `https://` and `file://`.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// Write both forms into this folder as an OCI layout, under the names `compat` and `artifact`.
    #[arg(long, value_name = "DIR")]
    pub(super) layout: Option<PathBuf>,
    /// Push one form to a registry: `registry.example/faults/brownout:0.2.0`.
    #[arg(long, value_name = "REF", value_parser = reference)]
    pub(super) push: Option<Reference>,
    /// The form that is pushed.
    #[arg(long, value_name = "FORM", default_value = "compat", requires = "push")]
    pub(super) form: Form,
    /// Speak HTTP without TLS to the registry. What is pushed, and the password, can then be read on the way.
    #[arg(long, requires = "push")]
    pub(super) plain_http: bool,
    /// The user at the registry; without it, what `docker login` has left in Docker's configuration.
    #[arg(long, value_name = "NAME", requires_all = ["push", "password_stdin"])]
    pub(super) username: Option<String>,
    /// Read that user's password, or a token in its place, from standard input.
    #[arg(long, requires = "username")]
    pub(super) password_stdin: bool,
    /// Use this module instead of the one inside this command.
    #[arg(long, value_name = "PATH", env = "BROWNOUT_MODULE")]
    pub(super) module: Option<PathBuf>,
    /// How to say the digests: `text` or `json`.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: Format,
}

fn reference(text: &str) -> Result<Reference, String> {
    let reference: Reference = text.parse().map_err(|_| {
        "expected a registry, a repository and a tag: `registry.example/brownout:0.2.0`".to_owned()
    })?;
    match (reference.digest(), text.rsplit('/').next()) {
        (Some(_), _) => Err("a digest is what a push gives: name a tag, as in `brownout:0.2.0`".into()),
        // The parser would fill in `latest`, which Istio then pulls anew each time.
        (None, Some(last)) if last.contains(':') => Ok(reference),
        (None, _) => Err(format!("it has no tag: `{text}:0.2.0`")),
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
            Err("it has no tag: `registry.example:5000/brownout:0.2.0`".into())
        );
        let digest = format!("registry.example/brownout@sha256:{}", "a".repeat(64));
        assert!(reference(&digest).is_err_and(|error| error.contains("name a tag")));
        assert!(reference("no spaces:1").is_err_and(|error| error.starts_with("expected a registry")));
    }
}

//! A real registry: Debian's `docker-registry`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use tempfile::TempDir;

/// The user `operator` with the password `secret`, as `htpasswd -B` writes it.
const USERS: &str = "operator:$2b$04$cgx2BW3igEdYy6bm.7WRH.7A8VRkoOKeBMANVIw3nCsTaThiAPmQW\n";

/// A registry on a free port of the loopback address. It ends when it is dropped.
pub struct Registry {
    child: Child,
    /// The address it listens on, for HTTP without TLS.
    pub address: SocketAddr,
    _storage: TempDir,
}

/// A manifest or blob as the registry returned it.
#[derive(Debug, PartialEq, Eq)]
pub struct Pulled {
    pub media_type: String,
    pub digest: String,
    pub bytes: Vec<u8>,
}

impl Registry {
    /// One that everybody may push to.
    pub fn start() -> Self {
        Self::configured("")
    }

    /// One that only `operator` may use, with the password `secret`.
    pub fn with_password() -> Self {
        Self::configured("auth: {htpasswd: {realm: tests, path: users}}\n")
    }

    fn configured(more: &str) -> Self {
        let storage = tempfile::tempdir().expect("a temporary directory");
        let config = format!(
            "version: 0.1\nlog: {{level: info, formatter: json}}\nhttp: {{addr: '127.0.0.1:0'}}\n\
             storage: {{filesystem: {{rootdirectory: data}}}}\n{more}"
        );
        fs::write(storage.path().join("config.yml"), config).expect("room on the disk");
        fs::write(storage.path().join("users"), USERS).expect("room on the disk");
        let mut child = Command::new(program())
            .args(["serve", "config.yml"])
            .current_dir(storage.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the registry starts");
        let mut log = BufReader::new(child.stderr.take().expect("a pipe")).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = log.by_ref().find_map(|line| {
            let address =
                line.split_once("listening on ").and_then(|(_, rest)| rest.split('"').next()?.parse().ok());
            said.push(line);
            address
        });
        // A pipe that nobody reads would stop it.
        thread::spawn(move || log.for_each(drop));
        let address = address.unwrap_or_else(|| panic!("the registry ended:\n{}", said.join("\n")));
        Self { child, address, _storage: storage }
    }

    /// An image's name in it.
    pub fn reference(&self, name: &str) -> String {
        format!("{}/{name}", self.address)
    }

    /// A manifest by its tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Pulled {
        self.pull(&format!("/v2/{repository}/manifests/{reference}"))
    }

    /// A blob by its digest.
    pub fn blob(&self, repository: &str, digest: &str) -> Pulled {
        self.pull(&format!("/v2/{repository}/blobs/{digest}"))
    }

    fn pull(&self, path: &str) -> Pulled {
        let agent: ureq::Agent = ureq::Agent::config_builder().proxy(None).build().into();
        let request = agent.get(format!("http://{}{path}", self.address));
        let request = request.header("accept", "application/vnd.oci.image.manifest.v1+json");
        let mut reply = request.call().unwrap_or_else(|error| panic!("{path}: {error}"));
        let header = |name: &str| reply.headers()[name].to_str().expect("plain text").to_owned();
        let (media_type, digest) = (header("content-type"), header("docker-content-digest"));
        let bytes = reply.body_mut().with_config().limit(u64::MAX).read_to_vec().expect("a whole body");
        Pulled { media_type, digest, bytes }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn program() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let arguments = ["docker-registry", "docker-registry"];
    let found = Command::new(root.join("scripts/debian")).args(arguments).output().expect("a shell");
    let reason = String::from_utf8_lossy(&found.stderr);
    assert!(found.status.success(), "no registry: run `scripts/debian {}`: {reason}", arguments.join(" "));
    String::from_utf8(found.stdout).expect("a path in UTF-8").trim().into()
}

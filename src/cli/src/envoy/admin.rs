//! The parts of Envoy's admin interface that we use.

use crate::input;
use brownout_core::value::query::RESERVED;
use percent_encoding::utf8_percent_encode;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(5);

/// Why Envoy's admin interface gave no answer.
#[derive(Debug, thiserror::Error)]
#[error("cannot read `{path}` from Envoy's admin interface at {address}: {reason}")]
pub struct AdminError {
    address: SocketAddr,
    path: String,
    reason: String,
}

/// The admin interface of a running Envoy.
#[derive(Debug, Clone)]
pub struct Admin {
    address: SocketAddr,
    agent: ureq::Agent,
}

impl Admin {
    /// Creates a client for this address, without sending a request.
    pub fn new(address: SocketAddr) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            // The user's HTTP proxy does not apply to Envoy's admin address.
            .proxy(None)
            // A redirect would let another server answer for Envoy.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false);
        Self { address, agent: config.build().into() }
    }

    /// Parses a URL such as `http://localhost:9901`, for the command line.
    ///
    /// # Errors
    /// When it has no address.
    pub fn address_of(url: &str) -> Result<SocketAddr, String> {
        let host = url.strip_prefix("http://").unwrap_or(url).trim_end_matches('/');
        let found = host
            .to_socket_addrs()
            .map_err(|error| format!("`{host}` is not an address with a port: {error}"))?;
        let mut found: Vec<SocketAddr> = found.collect();
        // Envoy usually listens on IPv4 only, while `localhost` resolves to both.
        found.sort_by_key(SocketAddr::is_ipv6);
        found.into_iter().next().ok_or_else(|| format!("`{host}` resolves to no address"))
    }

    /// Returns the address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns whether Envoy is `LIVE`: it has its listeners and their first configuration.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn ready(&self) -> Result<bool, AdminError> {
        let (status, body) = self.ask("/ready")?;
        Ok(status == 200 && body.trim() == "LIVE")
    }

    /// Returns the text of an admin page: `/config_dump`, `/listeners?format=json`.
    ///
    /// # Errors
    /// When Envoy does not answer, or answers with another status than 200.
    pub fn page(&self, path: &str) -> Result<String, AdminError> {
        match self.ask(path)? {
            (200, body) => Ok(body),
            (status, body) => Err(self.error(path, format!("status {status}: {}", body.trim()))),
        }
    }

    /// Returns an admin page as JSON.
    ///
    /// # Errors
    /// As [`Admin::page`], and when the page is not JSON.
    pub fn json(&self, path: &str) -> Result<Value, AdminError> {
        serde_json::from_str(&self.page(path)?).map_err(|error| self.error(path, error.to_string()))
    }

    /// Returns the counters and gauges whose names match a regular expression (`^wasmcustom\.brownout`), by name.
    ///
    /// # Errors
    /// As [`Admin::json`].
    pub fn stats(&self, filter: &str) -> Result<BTreeMap<String, u64>, AdminError> {
        let page =
            self.json(&format!("/stats?format=json&filter={}", utf8_percent_encode(filter, RESERVED)))?;
        let stats = page["stats"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(stats
            .iter()
            .filter_map(|stat| Some((stat["name"].as_str()?.to_owned(), stat["value"].as_u64()?)))
            .collect())
    }

    /// Returns the addresses that Envoy listens on, by listener name. With port 0 in the configuration, that is the
    /// port that the system chose.
    ///
    /// # Errors
    /// As [`Admin::json`].
    pub fn listeners(&self) -> Result<BTreeMap<String, SocketAddr>, AdminError> {
        let page = self.json("/listeners?format=json")?;
        let listeners = page["listener_statuses"].as_array().map(Vec::as_slice).unwrap_or_default();
        Ok(listeners
            .iter()
            .filter_map(|listener| Some((listener["name"].as_str()?.to_owned(), bound(listener)?)))
            .collect())
    }

    /// Makes Envoy close and reopen its log files.
    ///
    /// # Errors
    /// When Envoy does not answer.
    pub fn reopen_logs(&self) -> Result<(), AdminError> {
        let path = "/reopen_logs";
        let failed = |error: ureq::Error| self.error(path, error.to_string());
        let response =
            self.agent.post(format!("http://{}{path}", self.address)).send_empty().map_err(failed)?;
        match response.status().as_u16() {
            200 => Ok(()),
            status => Err(self.error(path, format!("status {status}"))),
        }
    }

    fn ask(&self, path: &str) -> Result<(u16, String), AdminError> {
        let failed = |error: ureq::Error| self.error(path, error.to_string());
        let mut response = self.agent.get(format!("http://{}{path}", self.address)).call().map_err(failed)?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(input::most()).read_to_string().map_err(failed)?;
        Ok((status, body))
    }

    fn error(&self, path: &str, reason: String) -> AdminError {
        AdminError { address: self.address, path: path.to_owned(), reason }
    }
}

fn bound(listener: &Value) -> Option<SocketAddr> {
    let socket = &listener["local_address"]["socket_address"];
    let port = u16::try_from(socket["port_value"].as_u64()?).ok()?;
    Some(SocketAddr::new(socket["address"].as_str()?.parse().ok()?, port))
}

#[cfg(test)]
mod tests {
    use super::RESERVED;
    use percent_encoding::utf8_percent_encode;

    #[test]
    fn a_regular_expression_survives_the_query_string() {
        let encoded = utf8_percent_encode(r"^http\.a|b+&c$", RESERVED).to_string();
        assert_eq!(encoded, "%5Ehttp%5C.a%7Cb%2B%26c%24");
    }
}

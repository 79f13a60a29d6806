//! The module when it is denied what it needs, and what it never does with the data it gets.

mod missing;
mod secrets;

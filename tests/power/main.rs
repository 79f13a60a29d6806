//! What the module does with less than it needs, and what it does not do with what it gets.

mod missing;
mod secrets;

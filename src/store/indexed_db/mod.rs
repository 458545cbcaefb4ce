//! Rows in IndexedDB: durable, and shared by every tab and worker of the origin.
//!
//! An [`Engine`](super::engine::Engine). `engine.js` makes the calls to the browser; the Rust side hands requests over as plain
//! arrays, with rows by reference, and keeps the connection.

mod connection;
mod door;

pub use self::{connection::IndexedDb, door::Flush};

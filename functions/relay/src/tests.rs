//! Relay over the ports in memory, in virtual time: nothing here waits.

mod kit;
mod stream;
mod sweep;

//! A forwarder that stands between the functions and the engine (or the chat stand-in) and makes
//! the faults that neither shows by itself: conflicts, lost answers, resets, delays.
//!
//! Invariant: without a matching rule every byte passes unchanged, `Host` included, so request
//! signatures stay valid. It must not know what Countersign is.

mod calls;
mod control;
mod facts;
mod forward;
mod rules;
#[cfg(test)]
mod tests;
mod wire;

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::Args;

use calls::Calls;
use rules::Rules;

/// How to start a fault proxy.
#[derive(Args, Debug)]
pub struct Options {
    /// Where callers connect; port 0 takes a free one
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where rules are set and calls are counted
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Where calls go, for example http://127.0.0.1:4566
    #[arg(long)]
    upstream: String,
}

/// What the connections share.
pub(crate) struct Proxy {
    upstream: String,
    rules: Rules,
    calls: Calls,
}

impl Proxy {
    fn new(upstream: &str) -> Result<Arc<Self>> {
        let Some(address) = upstream.strip_prefix("http://") else {
            bail!("--upstream {upstream}: must start with http://");
        };
        let upstream = address.trim_end_matches('/').to_owned();
        if !upstream.contains(':') || upstream.contains('/') {
            bail!("--upstream {upstream}: must be http://HOST:PORT without a path");
        }
        Ok(Arc::new(Self { upstream, rules: Rules::default(), calls: Calls::default() }))
    }
}

/// Serves until the process is ended. Prints one JSON line when both ports are open:
/// `{"url":"http://…","control_url":"http://…"}`.
pub fn run(options: &Options) -> Result<()> {
    let proxy = Proxy::new(&options.upstream)?;
    let listener = bind(options.listen)?;
    let control = bind(options.control)?;
    let ready = serde_json::json!({
        "url": format!("http://{}", listener.local_addr()?),
        "control_url": format!("http://{}", control.local_addr()?),
    });
    println!("{ready}");
    std::io::stdout().flush()?;

    let shared = Arc::clone(&proxy);
    std::thread::spawn(move || control::serve(&control, &shared));
    forward::serve(&listener, &proxy);
    Ok(())
}

fn bind(address: SocketAddr) -> Result<TcpListener> {
    if !address.ip().is_loopback() {
        bail!("{address}: the proxy listens on a loopback address only");
    }
    TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))
}

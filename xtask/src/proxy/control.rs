//! The control port: `POST /rules`, `GET /rules`, `DELETE /rules[/{id}]`, `GET /calls[?target=]`,
//! `DELETE /calls`, `GET /healthz`. JSON in and out.

use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use serde_json::{Value, json};

use super::Proxy;
use super::wire;

/// Serves for as long as the process lives.
pub(crate) fn serve(listener: &TcpListener, proxy: &Arc<Proxy>) {
    for client in listener.incoming().flatten() {
        let proxy = Arc::clone(proxy);
        std::thread::spawn(move || connection(&client, &proxy));
    }
}

fn connection(client: &TcpStream, proxy: &Proxy) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut reader = BufReader::new(client.try_clone()?);
    let mut writer = client;
    while let Some(head) = wire::read_request(&mut reader)? {
        let body = wire::read_body(wire::request_framing(&head)?, &mut reader)?;
        let (status, answer) = route(proxy, &head.method, &head.path, &body.content);
        let text = answer.to_string();
        let message = format!(
            "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{text}",
            text.len()
        );
        writer.write_all(message.as_bytes())?;
        if head.closes() {
            break;
        }
    }
    Ok(())
}

fn route(proxy: &Proxy, method: &str, path: &str, body: &[u8]) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    match (method, parts.as_slice()) {
        ("GET", ["healthz"]) => (200, json!({ "ok": true })),
        ("POST", ["rules"]) => match proxy.rules.add(body) {
            Ok(id) => (201, json!({ "id": id })),
            Err(error) => (400, json!({ "error": error })),
        },
        ("GET", ["rules"]) => (200, proxy.rules.shown()),
        ("DELETE", ["rules"]) => {
            proxy.rules.clear();
            (200, json!({}))
        }
        ("DELETE", ["rules", id]) => match id.parse() {
            Ok(id) if proxy.rules.remove(id) => (200, json!({})),
            _ => (404, json!({ "error": format!("no rule {id}") })),
        },
        ("GET", ["calls"]) => {
            let name = query.split('&').find_map(|pair| pair.strip_prefix("target="));
            let calls = proxy.calls.of(name);
            (200, json!({ "count": calls.values().sum::<u64>(), "calls": calls }))
        }
        ("DELETE", ["calls"]) => {
            proxy.calls.reset();
            (200, json!({}))
        }
        _ => (404, json!({ "error": format!("no {method} {path}; see the proxy's rules and calls") })),
    }
}

// Small HTTP helpers for the stand-ins: read a body, answer JSON, serve on the loopback address.
// Knows nothing of chat or sign-in.
import http from 'node:http';

const BODY_LIMIT = 2 * 1024 * 1024;

/** Reads the whole request body as a Buffer; throws when it is larger than 2 MiB. */
export async function readBody(request) {
  const parts = [];
  let size = 0;
  for await (const part of request) {
    size += part.length;
    if (size > BODY_LIMIT) throw new Refused(413, 'body_too_large', 'the body is larger than 2 MiB');
    parts.push(part);
  }
  return Buffer.concat(parts);
}

/** Reads a control request: JSON object, or an empty object when there is no body. */
export async function readJson(request) {
  const text = (await readBody(request)).toString('utf8');
  if (text.trim() === '') return {};
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Refused(400, 'invalid_json', `the body is not JSON: ${error.message}`);
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new Refused(400, 'invalid_json', 'the body must be a JSON object');
  }
  return value;
}

/** Answers with JSON. */
export function sendJson(response, status, value, headers = {}) {
  send(response, status, JSON.stringify(value), { 'content-type': 'application/json; charset=utf-8', ...headers });
}

/** Answers with any body. */
export function send(response, status, body, headers = {}) {
  if (response.destroyed || response.writableEnded) return;
  response.writeHead(status, headers);
  response.end(body);
}

/** A refusal of a control request: status, short code, and a sentence that says how to mend it. */
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

/** Runs a handler; what it refuses becomes a JSON answer, what it throws a 500. */
export async function guarded(response, handler) {
  try {
    await handler();
  } catch (error) {
    const status = error instanceof Refused ? error.status : 500;
    const code = error instanceof Refused ? error.code : 'standin_failed';
    sendJson(response, status, { ok: false, error: code, detail: error.message });
  }
}

/** Listens on 127.0.0.1 and resolves to the port; rejects with a clear error when the port is taken. */
export function listen(server, port) {
  return new Promise((resolve, reject) => {
    server.once('error', (error) => {
      reject(new Error(`cannot listen on 127.0.0.1:${port}: ${error.code ?? error.message}`));
    });
    server.listen(port, '127.0.0.1', () => resolve(server.address().port));
  });
}

/** Closes a server and the connections it holds. */
export function close(server) {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

/** A bare server with a handler that may be set later. */
export function bareServer(handler) {
  return http.createServer(handler);
}

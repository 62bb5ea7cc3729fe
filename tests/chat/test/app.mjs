// A tiny app behind the stand-in, for its own tests: checks nothing, records requests, and answers what a test tells it to.
import http from 'node:http';

/** Starts it on a free port. `answer(payload, request)` returns `{status?, body?}` and may be async. */
export async function startApp(answer = () => ({})) {
  const received = [];
  const server = http.createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString('utf8');
    const form = new URLSearchParams(body).get('payload');
    const payload = form ? JSON.parse(form) : null;
    received.push({ headers: request.headers, body, payload, path: request.url });
    const { status = 200, body: text = '' } = await answer(payload, { headers: request.headers, body });
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(text);
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = () => {
    server.closeAllConnections();
    return new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${server.address().port}/slack/interactions`, received, close };
}

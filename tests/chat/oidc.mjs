// A real OpenID Connect provider on the loopback address for sign-in in tests and in the local stack.
import { generateKeyPairSync } from 'node:crypto';
import Provider from 'oidc-provider';
import { bareServer, close, guarded, listen, readJson, sendJson } from './slack/http.mjs';
import { configuration } from './oidc/configuration.mjs';
import { mint } from './oidc/mint.mjs';

/** Starts it. `port` 0 takes a free one. Resolves to `{url, close}`; the issuer is the URL. */
export async function startOidc({ port = 0 } = {}) {
  let handler = (request, response) => response.writeHead(503).end();
  const server = bareServer((request, response) => handler(request, response));
  const url = `http://127.0.0.1:${await listen(server, port)}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { kid: `standin-${Date.now().toString(36)}`, privateKey };
  const provider = new Provider(url, configuration(key));
  const serve = provider.callback();
  handler = (request, response) => {
    const route = `${request.method} ${request.url}`;
    if (route !== 'POST /_standin/token') return serve(request, response);
    return guarded(response, async () => sendJson(response, 200, await mint(url, key, await readJson(request))));
  };
  return { url, close: () => close(server) };
}

// A strict stand-in for one Slack workspace, on the loopback address: Web API, interactions, and a page that people can use.
import { answerResponseUrl } from './slack/response_url.mjs';
import { apiCall } from './slack/api.mjs';
import { control } from './slack/control.mjs';
import { bareServer, close, guarded, listen, send } from './slack/http.mjs';
import { Workspace } from './slack/workspace.mjs';
import { servePage } from './page/serve.mjs';

/**
 * Starts it. `port` 0 takes a free one. Resolves to `{url, workspace, close}`; `workspace` has the bot token and the signing
 * secret (given, or made up).
 */
export async function startSlack({ port = 0, botToken, signingSecret } = {}) {
  const workspace = new Workspace({ botToken, signingSecret });
  const server = bareServer((request, response) => {
    const url = new URL(request.url, 'http://127.0.0.1');
    guarded(response, () => answer(workspace, request, response, url));
  });
  workspace.url = `http://127.0.0.1:${await listen(server, port)}`;
  return { url: workspace.url, workspace, close: () => close(server) };
}

async function answer(workspace, request, response, url) {
  const { pathname } = url;
  if (pathname.startsWith('/api/')) return apiCall(workspace, pathname.slice('/api/'.length), request, response, url.searchParams);
  if (pathname.startsWith('/actions/')) return answerResponseUrl(workspace, pathname, request, response);
  if (pathname.startsWith('/_standin/')) return control(workspace, request, response, url);
  if (request.method === 'GET' && (await servePage(pathname, response))) return undefined;
  return send(response, 404, 'not found', { 'content-type': 'text/plain' });
}

// The control routes under /_standin: how a test, the page and the scripted reviewer drive and watch the workspace.
import { randomBytes } from 'node:crypto';
import { Refused, readJson, sendJson } from './http.mjs';
import { click, closeView, resend, sendEvent, submit } from './interactions.mjs';
import { shownEphemerals, shownMessages, shownViews, shownWorkspace } from './shown.mjs';

const SETTABLE = ['interactions_url', 'events_url', 'ack_timeout_ms', 'trigger_ttl_ms', 'retry_after_s', 'rate'];

function configure(workspace, { channel, ...wanted }) {
  if (channel) {
    if (!wanted.rate) throw new Refused(400, 'invalid_config', 'a channel has only `rate: {per_second, burst}`');
    workspace.rates.set(channel, wanted.rate);
    return { channel, rate: wanted.rate };
  }
  const unknown = Object.keys(wanted).find((name) => !SETTABLE.includes(name));
  if (unknown) throw new Refused(400, 'invalid_config', `${unknown} is not one of ${SETTABLE.join(', ')}`);
  Object.assign(workspace.config, wanted);
  return workspace.config;
}

function addChannel(workspace, wanted) {
  if (!/^[CG][A-Z0-9]{2,}$/.test(wanted.id ?? '')) throw new Refused(400, 'invalid_channel', 'id must look like C0SOMETHING');
  const { messages, ephemerals, ...flags } = workspace.addChannel(wanted);
  return { channel: flags };
}

function addMessage(workspace, { channel: id, user, text, thread_ts = null }) {
  const channel = workspace.channels.get(id);
  if (!channel || !workspace.users.has(user)) throw new Refused(404, 'not_found', 'no such channel or user');
  const team = workspace.users.get(user).team_id;
  const message = { type: 'message', ts: workspace.nextTs(), user, team, text, blocks: [], metadata: null, thread_ts, edited: null, updates: 0, history: [], failures: [] };
  channel.messages.push(message);
  workspace.changed(id);
  return { ts: message.ts };
}

function addToken(workspace, { scopes }) {
  if (!Array.isArray(scopes)) throw new Refused(400, 'invalid_scopes', 'scopes must be a list of strings');
  const token = `xoxb-standin-${randomBytes(12).toString('hex')}`;
  workspace.tokens.set(token, scopes);
  return { token };
}

function addFault(workspace, wanted) {
  try {
    return { fault: workspace.faults.add(wanted) };
  } catch (error) {
    throw new Refused(400, 'invalid_fault', error.message);
  }
}

function calls(workspace, query) {
  const same = (call, name) => !query.has(name) || call[name] === query.get(name);
  return { calls: workspace.calls.filter((call) => same(call, 'method') && same(call, 'channel')) };
}

const ROUTES = {
  'GET /_standin/workspace': (workspace) => shownWorkspace(workspace),
  'POST /_standin/config': configure,
  'GET /_standin/config': (workspace) => workspace.config,
  'POST /_standin/channels': addChannel,
  'POST /_standin/message': addMessage,
  'POST /_standin/tokens': addToken,
  'POST /_standin/clock': (workspace, { advance_ms = 0 }) => ({ shift_ms: (workspace.clockShift += advance_ms) }),
  'POST /_standin/click': click,
  'POST /_standin/submit': submit,
  'POST /_standin/close': (workspace, body) => closeView(workspace, body),
  'POST /_standin/resend': (workspace, body) => resend(workspace, body.raw ?? body),
  'POST /_standin/event': sendEvent,
  'POST /_standin/faults': addFault,
  'DELETE /_standin/faults': (workspace, _, query) => workspace.faults.clear(query.get('channel')),
  'GET /_standin/faults': (workspace) => ({ faults: workspace.faults.list }),
  'GET /_standin/messages': (workspace, _, query) => ({ messages: shownMessages(workspace, query.get('channel'), query.get('contains')) }),
  'GET /_standin/ephemerals': (workspace, _, query) => ({ ephemerals: shownEphemerals(workspace, query.get('channel'), query.get('user')) }),
  'GET /_standin/views': (workspace, _, query) => ({ views: shownViews(workspace, query.get('user')) }),
  'GET /_standin/calls': (workspace, _, query) => calls(workspace, query),
  'GET /_standin/interactions': (workspace) => ({ interactions: workspace.interactions }),
};

/** Answers a control route. */
export async function control(workspace, request, response, url) {
  if (request.method === 'GET' && url.pathname === '/_standin/events') return watch(workspace, response);
  const route = ROUTES[`${request.method} ${url.pathname}`];
  if (!route) throw new Refused(404, 'no_such_route', `no ${request.method} ${url.pathname}; there are ${Object.keys(ROUTES).join(', ')}`);
  const body = request.method === 'POST' ? await readJson(request) : {};
  const answer = await route(workspace, body, url.searchParams);
  sendJson(response, 200, { ok: true, ...answer });
}

/** Server-sent events: one line for each change in a channel or view. */
function watch(workspace, response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  response.write('retry: 500\n\n');
  const tell = (change) => response.write(`data: ${JSON.stringify(change)}\n\n`);
  workspace.bus.on('change', tell);
  response.on('close', () => workspace.bus.off('change', tell));
}

// One Web API call from request to answer: arguments, faults, token, scope, rate, method; and a record of it.
// Errors are HTTP 200 with `ok: false`, as Slack's are.
import { setTimeout as delay } from 'node:timers/promises';
import { readArgs } from './args.mjs';
import { readBody, send, sendJson } from './http.mjs';
import { Failure } from './methods/failure.mjs';
import { METHODS } from './methods/table.mjs';

/** Answers `POST|GET /api/<name>`. */
export async function apiCall(workspace, name, request, response, query) {
  const body = await readBody(request);
  const method = METHODS[name];
  const read = await readArgs({
    method: request.method,
    query,
    contentType: request.headers['content-type'],
    body,
    takesJson: method?.json ?? true,
  });
  const { token, ...args } = read.args ?? {};
  const call = { n: workspace.calls.length + 1, at: new Date(workspace.now()).toISOString(), method: name, channel: args.channel ?? null, args };
  workspace.calls.push(call);

  const fault = workspace.faults.take(name, args.channel ?? null);
  if (fault) call.fault = fault.mode;
  if (fault && (await applyFault(workspace, fault.mode, call, request, response, read.warnings))) return;

  const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
  const { status, headers, answer } = answerCall(workspace, method, name, read, bearer ?? token ?? null, args);
  Object.assign(call, { status, ok: answer.ok, error: answer.error ?? null });
  if (fault?.mode === 'lost_answer') return request.socket.destroy();
  sendJson(response, status, withWarnings(answer, read.warnings), headers);
}

/** Does what the fault says; true when the call ends with it. */
async function applyFault(workspace, mode, call, request, response, warnings) {
  if (mode.startsWith('slow:')) {
    await delay(Number(mode.slice(5)));
    return false;
  }
  if (mode === 'lost_answer') return false;
  call.ok = false;
  call.error = mode;
  if (mode === 'down') request.socket.resetAndDestroy();
  else if (mode === 'hang') workspace.faults.hang(request.socket);
  else if (mode === 'http_500') send(response, 500, 'Internal Server Error', { 'content-type': 'text/plain' });
  else if (mode === 'ratelimited') rateLimited(response, workspace.config.retry_after_s);
  else sendJson(response, 200, withWarnings({ ok: false, error: mode.slice('error:'.length) }, warnings));
  return true;
}

const rateLimited = (response, seconds) => sendJson(response, 429, { ok: false, error: 'ratelimited' }, { 'retry-after': String(seconds) });

function answerCall(workspace, method, name, read, token, args) {
  const failed = (error, extra = {}, status = 200, headers = {}) => ({ status, headers, answer: { ok: false, error, ...extra } });
  if (!method) return failed('unknown_method', { req_method: name });
  if (read.error) return failed(read.error);
  if (!token) return failed('not_authed');
  const scopes = workspace.tokens.get(token);
  if (!scopes) return failed('invalid_auth');
  const headers = { 'x-oauth-scopes': scopes.join(','), ...(method.scope && { 'x-accepted-oauth-scopes': method.scope }) };
  if (method.scope && !scopes.includes(method.scope)) {
    return failed('missing_scope', { needed: method.scope, provided: scopes.join(',') }, 200, headers);
  }
  const wait = method.posts && workspace.channels.has(args.channel) ? workspace.rates.take(args.channel, workspace.now()) : 0;
  if (wait > 0) return failed('ratelimited', {}, 429, { ...headers, 'retry-after': String(wait) });
  try {
    return { status: 200, headers, answer: { ok: true, ...method.run(workspace, args, { scopes }) } };
  } catch (error) {
    if (error instanceof Failure) return failed(error.error, error.extra, 200, headers);
    throw error;
  }
}

function withWarnings(answer, warnings) {
  if (warnings.length === 0) return answer;
  const response_metadata = { ...answer.response_metadata, warnings };
  return { ...answer, warning: warnings.join(','), response_metadata };
}

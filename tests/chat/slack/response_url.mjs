// The response_url of an interaction: five answers within 30 minutes.
import { readBody, send, sendJson } from './http.mjs';
import { addEphemeral, newMessage, readBlocks, readText, rewrite } from './methods/chat.mjs';
import { Failure } from './methods/failure.mjs';

const USES = 5;
const LIFE_MS = 30 * 60 * 1000;

/** Answers `POST /actions/…`. */
export async function answerResponseUrl(workspace, path, request, response) {
  const body = await readBody(request);
  const entry = workspace.responseUrls.get(path);
  const call = { n: workspace.calls.length + 1, at: new Date(workspace.now()).toISOString(), method: 'response_url', channel: entry?.channel ?? null, args: {} };
  workspace.calls.push(call);
  const finish = (status, answer) => {
    Object.assign(call, { status, ok: answer.ok, error: answer.error ?? null });
    sendJson(response, status, answer);
  };
  const fault = workspace.faults.take('response_url', entry?.channel ?? null);
  if (fault) {
    call.fault = fault.mode;
    if (fault.mode === 'http_500') return send(response, 500, 'Internal Server Error');
    if (fault.mode === 'ratelimited') return sendJson(response, 429, { ok: false, error: 'ratelimited' }, { 'retry-after': '1' });
    if (fault.mode === 'hang') return workspace.faults.hang(request.socket);
    return request.socket.resetAndDestroy();
  }
  if (!entry) return finish(404, { ok: false, error: 'invalid_url' });
  if (workspace.now() - entry.made > LIFE_MS) return finish(404, { ok: false, error: 'expired_url' });
  if (entry.uses >= USES) return finish(404, { ok: false, error: 'used_url' });
  try {
    call.args = JSON.parse(body.toString('utf8'));
    apply(workspace, entry, call.args);
    entry.uses += 1;
    finish(200, { ok: true });
  } catch (error) {
    if (error instanceof Failure) return finish(400, { ok: false, error: error.error, ...error.extra });
    if (error instanceof SyntaxError) return finish(400, { ok: false, error: 'invalid_payload' });
    throw error;
  }
}

function apply(workspace, entry, args) {
  const channel = workspace.channels.get(entry.channel);
  const message = workspace.message(entry.channel, entry.ts);
  if (args.delete_original) return remove(workspace, channel, message);
  const blocks = readBlocks(args);
  const text = readText(args);
  if (!text && !(blocks?.length > 0)) throw new Failure('no_text');
  if (args.replace_original) rewrite(workspace, message, { text, blocks });
  else if (args.response_type === 'in_channel') channel.messages.push(newMessage(workspace, { text, blocks }));
  else addEphemeral(workspace, channel, entry.user, { text, blocks, origin: entry.ts });
  workspace.changed(channel.id);
}

function remove(workspace, channel, message) {
  const others = (candidate) => candidate !== message;
  channel.messages = channel.messages.filter(others);
  channel.ephemerals = channel.ephemerals.filter(others);
  workspace.changed(channel.id);
}

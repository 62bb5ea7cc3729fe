// What people do: press a button, submit a modal, send the same bytes again. Each becomes a signed request to the app.
import { Refused } from './http.mjs';
import { deliver, signed } from './deliver.mjs';
import { viewProblems } from './blocks/view.mjs';
import { replaceView } from './methods/views.mjs';
import { blockActions, findElement, unfilled, viewSubmission } from './payloads.mjs';

const FORM = 'application/x-www-form-urlencoded';

function target(workspace, overrides) {
  const url = overrides.url ?? workspace.config.interactions_url;
  if (!url) throw new Refused(409, 'no_interactions_url', 'set it first: POST /_standin/config {"interactions_url": …}');
  return url;
}

function knownUser(workspace, idOrName) {
  const user = workspace.users.get(idOrName) ?? [...workspace.users.values()].find((candidate) => candidate.name === idOrName);
  if (!user) throw new Refused(404, 'no_such_user', `users.json has no user ${idOrName}`);
  return user;
}

/** Changes a payload as a test asks: another team, app, enterprise or user team, or any field. */
function overridden(payload, overrides) {
  const changed = structuredClone(payload);
  if (overrides.team !== undefined) changed.team = { ...changed.team, id: overrides.team };
  if (overrides.user_team !== undefined) changed.user.team_id = overrides.user_team;
  if (overrides.app !== undefined) changed.api_app_id = overrides.app;
  if (overrides.enterprise !== undefined) {
    changed.enterprise = overrides.enterprise === null ? null : { id: overrides.enterprise, name: 'Enterprise' };
  }
  if (overrides.value !== undefined) changed.actions[0].value = overrides.value;
  return { ...changed, ...overrides.payload };
}

async function send(workspace, kind, payload, overrides, onFailed) {
  const body = new URLSearchParams({ payload: JSON.stringify(payload) }).toString();
  const raw = signed(workspace, { url: target(workspace, overrides), body, contentType: FORM, overrides });
  const result = await deliver(workspace, raw, onFailed);
  workspace.interactions.push({ at: new Date().toISOString(), kind, user: payload.user.id, status: result.status, ms: result.ms, failed: result.failed });
  return { ...result, trigger_id: payload.trigger_id, raw };
}

/**
 * A press on a button: `{channel, ts, action_id, block_id?, user, version?, overrides?}`. `version` n presses the button as the
 * message showed it after n updates, as a client does that has not yet seen a newer one.
 */
export async function click(workspace, { channel: channelId, ts, action_id, block_id, user: userId, version, overrides = {} }) {
  const user = knownUser(workspace, userId);
  const channel = workspace.channels.get(channelId);
  const current = workspace.message(channelId, ts);
  if (!current) throw new Refused(404, 'no_such_message', `no message ${ts} in channel ${channelId}`);
  const message = version === undefined ? current : { ...current, ...current.history[version] };
  const found = findElement(message, action_id, block_id);
  if (!found) throw new Refused(404, 'no_such_button', `the message shows no element with action_id ${action_id}`);
  channel.lastClick = { ...channel.lastClick, [user.id]: message.origin ?? message.ts };
  const triggerId = workspace.newTrigger(user.id, { channel: channel.id, ts: message.ts });
  const payload = blockActions(workspace, {
    user,
    channel,
    message,
    ...found,
    triggerId,
    responseUrl: workspace.newResponseUrl(channel.id, message, user.id),
    actionTs: workspace.nextTs(),
  });
  const result = await send(workspace, 'click', overridden(payload, overrides), overrides, (reason) => {
    current.failures.push({ user: user.id, action_id, reason, at: new Date().toISOString(), shown: true });
    workspace.changed(channel.id);
  });
  if (!result.failed) forgetFailures(workspace, channel, current, user);
  return result;
}

/** A press that worked takes away the warning that the user saw at an earlier one. */
function forgetFailures(workspace, channel, message, user) {
  const shown = message.failures.filter((failure) => failure.user === user.id && failure.shown);
  if (shown.length === 0) return;
  for (const failure of shown) failure.shown = false;
  workspace.changed(channel.id);
}

/** A submitted modal: `{view_id, user, values: {block_id: {action_id: text}}, overrides?}`. */
export async function submit(workspace, { view_id, user: userId, values = {}, overrides = {} }) {
  const user = knownUser(workspace, userId);
  const record = workspace.views.get(view_id);
  if (!record?.open) throw new Refused(404, 'no_such_view', `no open view ${view_id}`);
  if (record.user !== user.id) throw new Refused(403, 'not_your_view', `view ${view_id} is open for ${record.user} only`);
  const missing = overrides.skip_client_checks ? {} : unfilled(record.view, values);
  if (Object.keys(missing).length > 0) {
    record.errors = missing;
    workspace.viewChanged(view_id);
    return { status: null, failed: 'client_checks', errors: missing };
  }
  const triggerId = workspace.newTrigger(user.id, record.origin);
  const payload = viewSubmission(workspace, { user, record, values, triggerId });
  const result = await send(workspace, 'submit', overridden(payload, overrides), overrides, () => {
    record.failure = 'We had some trouble connecting. Try again?';
    workspace.viewChanged(view_id);
  });
  if (!result.failed) applyAnswer(workspace, record, result);
  return { ...result, open: record.open, errors: record.errors, failure: record.failure };
}

/** Does to the view what the app's answer says. */
function applyAnswer(workspace, record, result) {
  record.failure = null;
  let answer = {};
  try {
    answer = result.body.trim() === '' ? {} : JSON.parse(result.body);
  } catch {
    answer = { response_action: 'not JSON' };
  }
  const { response_action: action, errors, view } = answer;
  const inputs = new Set(record.view.blocks.filter((block) => block.type === 'input').map((block) => block.block_id));
  const knownErrors = errors && Object.keys(errors).length > 0 && Object.keys(errors).every((id) => inputs.has(id));
  if (action === undefined || action === 'clear') record.open = false;
  else if (action === 'errors' && knownErrors) record.errors = errors;
  else if (action === 'update' && view && viewProblems(view).length === 0) replaceView(workspace, record, view);
  else {
    record.failure = 'We had some trouble connecting. Try again?';
    result.failed = 'invalid_answer';
  }
  workspace.viewChanged(record.view.id);
}

/** Closes a modal without submitting it. */
export function closeView(workspace, { view_id, user: userId }) {
  const record = workspace.views.get(view_id);
  if (!record?.open || record.user !== knownUser(workspace, userId).id) throw new Refused(404, 'no_such_view', `no open view ${view_id} of that user`);
  record.open = false;
  workspace.viewChanged(view_id);
}

/** Sends the very bytes of an earlier interaction again, signature and timestamp included. */
export async function resend(workspace, raw) {
  for (const name of ['url', 'body', 'timestamp', 'signature', 'content_type']) {
    if (typeof raw[name] !== 'string') throw new Refused(400, 'invalid_raw', `raw.${name} must be a string, as a click returned it`);
  }
  return { ...(await deliver(workspace, raw)), raw };
}

/** Sends an Events API request: `{event?, type?, challenge?, event_id?, overrides?}`. */
export async function sendEvent(workspace, { type = 'event_callback', event, challenge, event_id, overrides = {} }) {
  const url = overrides.url ?? workspace.config.events_url;
  if (!url) throw new Refused(409, 'no_events_url', 'set it first: POST /_standin/config {"events_url": …}');
  const token = 'deprecated-verification-token';
  const { team, app } = workspace;
  const envelope =
    type === 'url_verification'
      ? { token, challenge: challenge ?? 'challenge-of-the-stand-in', type }
      : { token, team_id: overrides.team ?? team.id, api_app_id: overrides.app ?? app.id, event, type, event_id: event_id ?? `Ev${workspace.nextTs().replace('.', '')}`, event_time: Math.floor(Date.now() / 1000) };
  const raw = signed(workspace, { url, body: JSON.stringify(envelope), contentType: 'application/json', overrides });
  return { ...(await deliver(workspace, raw)), raw };
}

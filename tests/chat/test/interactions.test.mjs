// What people do, as the app receives it: presses, modals, repeats, and answers that come wrong or late.
import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import bolt from '@slack/bolt';
import { startSlack } from '../slack.mjs';
import { startApp } from './app.mjs';
import { sampleCard } from './card.mjs';
import { clientOf } from './client.mjs';

let slack;
let client;
let app;
let answer;
let number = 0;

before(async () => {
  slack = await startSlack();
  client = clientOf(slack);
  app = await startApp((payload, request) => answer(payload, request));
  await client.post('config', { interactions_url: app.url, events_url: app.url });
});
after(async () => {
  await slack.close();
  await app.close();
});
beforeEach(() => {
  answer = () => ({});
});

const plain = (text) => ({ type: 'plain_text', text });
const question = (extra = {}) => ({
  type: 'modal',
  callback_id: 'ask',
  private_metadata: 'req',
  title: plain('Ask'),
  submit: plain('Send'),
  blocks: [{ type: 'input', block_id: 'q', label: plain('Question'), element: { type: 'plain_text_input', action_id: 'text', multiline: true } }],
  ...extra,
});

/** Posts a card in a channel of its own. */
async function card() {
  const channel = `C0TEST${(number += 1)}`;
  await client.post('channels', { id: channel, is_ext_shared: true });
  const { ts } = await client.call('chat.postMessage', sampleCard(channel, `req_${number}`));
  return { channel, ts };
}

const press = (where, action_id, user = 'U0ALICE', more = {}) => client.post('click', { ...where, action_id, user, ...more });
const shown = async (where) => (await client.get(`messages?channel=${where.channel}`)).messages.find((message) => message.ts === where.ts);

/** Presses "ask" with an app that opens a modal; resolves to the modal's record. */
async function openModal(user = 'U0ALICE', view = question()) {
  const where = await card();
  let opened;
  answer = async (payload) => {
    opened = await client.call('views.open', { trigger_id: payload.trigger_id, view });
    return {};
  };
  await press(where, 'request_info', user);
  assert.equal(opened.ok, true);
  answer = () => ({});
  return { ...where, id: opened.view.id };
}

const viewOf = async (id) => (await client.get('views')).views.find((record) => record.view.id === id);

test('a press arrives as block_actions, signed so that bolt accepts it', async () => {
  const where = await card();
  const result = await press(where, 'approve');
  const { payload, headers, body } = app.received.at(-1);
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded');
  const signed = { 'x-slack-signature': headers['x-slack-signature'], 'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']) };
  assert.equal(bolt.isValidSlackRequest({ signingSecret: slack.workspace.signingSecret, body, headers: signed }), true);
  assert.deepEqual(Object.keys(payload).sort(), [
    'actions', 'api_app_id', 'channel', 'container', 'enterprise', 'is_enterprise_install', 'message', 'response_url', 'state', 'team', 'token', 'trigger_id', 'type', 'user',
  ]);
  assert.deepEqual(payload.user, { id: 'U0ALICE', username: 'alice', name: 'alice', team_id: 'T0COUNTER' });
  assert.deepEqual(payload.team, { id: 'T0COUNTER', domain: 'counter' });
  assert.deepEqual(payload.container, { type: 'message', message_ts: where.ts, channel_id: where.channel, is_ephemeral: false });
  assert.deepEqual([payload.enterprise, payload.is_enterprise_install, payload.api_app_id], [null, false, 'A0COUNTER']);
  const [action] = payload.actions;
  assert.deepEqual([action.action_id, action.block_id, action.type, action.style], ['approve', 'decide', 'button', 'primary']);
  assert.match(JSON.parse(action.value).id, /^req_/);
  assert.equal(payload.message.blocks.length, 6);
  assert.equal(payload.message.metadata, undefined);
  assert.deepEqual([result.status, result.failed], [200, null]);
  assert.equal(result.trigger_id, payload.trigger_id);
});

test('a press from another workspace says so', async () => {
  await press(await card(), 'approve', 'U0CONNECT');
  const { payload } = app.received.at(-1);
  assert.deepEqual([payload.user.team_id, payload.team.id], ['T0OTHER', 'T0OTHER']);
});

test('overrides change what they name', async () => {
  const where = await card();
  const send = async (overrides) => {
    await press(where, 'approve', 'U0ALICE', { overrides });
    return app.received.at(-1);
  };
  const now = Math.floor(Date.now() / 1000);
  const old = await send({ timestamp_shift_s: -400 });
  assert.ok(Number(old.headers['x-slack-request-timestamp']) <= now - 399);
  assert.equal((await send({ team: 'T0EVIL' })).payload.team.id, 'T0EVIL');
  assert.equal((await send({ app: 'A0EVIL' })).payload.api_app_id, 'A0EVIL');
  assert.equal((await send({ enterprise: 'E0X' })).payload.enterprise.id, 'E0X');
  assert.equal((await send({ value: 'forged' })).payload.actions[0].value, 'forged');
  const retried = await send({ retry: { num: 1, reason: 'http_timeout' } });
  assert.deepEqual([retried.headers['x-slack-retry-num'], retried.headers['x-slack-retry-reason']], ['1', 'http_timeout']);
  const invalid = async (overrides) => {
    const { headers, body } = await send(overrides);
    const given = { 'x-slack-signature': headers['x-slack-signature'] ?? '', 'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']) };
    return !bolt.isValidSlackRequest({ signingSecret: slack.workspace.signingSecret, body, headers: given });
  };
  assert.equal(await invalid({ secret: 'wrong' }), true);
  assert.equal(await invalid({ mutate: { from: 'approve', to: 'reject' } }), true);
  assert.equal(await invalid({ omit: ['X-Slack-Signature'] }), true);
  assert.equal(await invalid({}), false);
});

test('the same bytes can be sent again', async () => {
  const { raw } = await press(await card(), 'approve');
  const first = app.received.at(-1);
  await client.post('resend', raw);
  const second = app.received.at(-1);
  assert.notEqual(first, second);
  for (const name of ['x-slack-signature', 'x-slack-request-timestamp']) assert.equal(second.headers[name], first.headers[name]);
  assert.equal(second.body, first.body);
});

test('a button of an older version can be pressed by its number', async () => {
  const where = await card();
  await client.call('chat.update', { ...where, text: 'approved' });
  assert.equal((await press(where, 'approve')).error, 'no_such_button');
  const { status } = await press(where, 'approve', 'U0ALICE', { version: 0 });
  assert.equal(status, 200);
  assert.equal(app.received.at(-1).payload.message.blocks.length, 6);
});

test('a late answer is shown as failed, and still seen', async () => {
  const where = await card();
  await client.post('config', { ack_timeout_ms: 30 });
  // The app answers only once the message shows the failure.
  answer = async () => {
    await new Promise((resolve) => {
      slack.workspace.bus.on('change', ({ channel }) => channel === where.channel && resolve());
    });
    return { status: 200, body: 'late' };
  };
  const result = await press(where, 'approve');
  await client.post('config', { ack_timeout_ms: 3000 });
  assert.deepEqual([result.status, result.failed, result.body], [200, 'timeout', 'late']);
  const [failure] = (await shown(where)).failures;
  assert.deepEqual([failure.user, failure.action_id, failure.reason, failure.shown], ['U0ALICE', 'approve', 'timeout', true]);
  answer = () => ({});
  await press(where, 'approve');
  assert.equal((await shown(where)).failures[0].shown, false, 'a press that works takes the warning away');
});

test('an answer of 500 is shown as failed', async () => {
  const where = await card();
  answer = () => ({ status: 500 });
  assert.equal((await press(where, 'approve')).failed, 'http_500');
  assert.equal((await shown(where)).failures[0].reason, 'http_500');
});

test('a trigger opens one view, once, within 3 seconds', async () => {
  const where = await card();
  const { trigger_id } = await press(where, 'request_info');
  const open = (id) => client.call('views.open', { trigger_id: id, view: question() });
  assert.equal((await open(trigger_id)).ok, true);
  assert.equal((await open(trigger_id)).error, 'exchanged_trigger_id');
  const second = await press(where, 'request_info');
  await client.post('clock', { advance_ms: 3001 });
  assert.equal((await open(second.trigger_id)).error, 'expired_trigger_id');
});

test('a submitted modal arrives as view_submission and closes on an empty answer', async () => {
  const { id } = await openModal();
  const result = await client.post('submit', { view_id: id, user: 'U0ALICE', values: { q: { text: 'why?' } } });
  assert.deepEqual([result.status, result.open], [200, false]);
  const { payload } = app.received.at(-1);
  assert.deepEqual([payload.type, payload.view.id, payload.view.callback_id, payload.view.private_metadata], ['view_submission', id, 'ask', 'req']);
  assert.deepEqual(payload.view.state.values, { q: { text: { type: 'plain_text_input', value: 'why?' } } });
  assert.equal((await client.post('submit', { view_id: id, user: 'U0ALICE', values: {} })).error, 'no_such_view');
});

test('an empty required input does not leave the client', async () => {
  const { id } = await openModal();
  const before = app.received.length;
  const result = await client.post('submit', { view_id: id, user: 'U0ALICE', values: {} });
  assert.deepEqual([result.failed, Object.keys(result.errors)], ['client_checks', ['q']]);
  assert.equal(app.received.length, before);
});

test("somebody else's modal cannot be submitted", async () => {
  const { id } = await openModal('U0BOB');
  const result = await client.post('submit', { view_id: id, user: 'U0ALICE', values: { q: { text: 'x' } } });
  assert.deepEqual([result.http, result.error], [403, 'not_your_view']);
});

/** What the app answers to a submission, and what becomes of the view. */
function checkAnswer(name, body, expect) {
  test(`response to view_submission: ${name}`, async () => {
    const { id } = await openModal();
    answer = () => ({ body: typeof body === 'string' ? body : JSON.stringify(body) });
    const result = await client.post('submit', { view_id: id, user: 'U0ALICE', values: { q: { text: 'x' } } });
    const { open, errors, view } = await viewOf(id);
    assert.deepEqual({ failed: result.failed, open, errors, title: view.title.text }, { failed: null, open: true, errors: {}, title: 'Ask', ...expect });
  });
}

checkAnswer('errors', { response_action: 'errors', errors: { q: 'too short' } }, { errors: { q: 'too short' } });
checkAnswer('errors of a block there is not', { response_action: 'errors', errors: { z: 'x' } }, { failed: 'invalid_answer' });
checkAnswer('clear', { response_action: 'clear' }, { open: false });
checkAnswer('update', { response_action: 'update', view: question({ title: plain('Again') }) }, { title: 'Again' });
checkAnswer('update with a wrong view', { response_action: 'update', view: question({ title: plain('x'.repeat(25)) }) }, { failed: 'invalid_answer' });
checkAnswer('no JSON', 'thanks', { failed: 'invalid_answer' });

test('views.update: the hash guards against a race', async () => {
  const { id } = await openModal();
  const { view } = await viewOf(id);
  const write = (hash, title) => client.call('views.update', { view_id: id, hash, view: question({ title: plain(title) }) });
  assert.equal((await write('0.x', 'No')).error, 'hash_conflict');
  assert.equal((await write(view.hash, 'Yes')).view.title.text, 'Yes');
  assert.equal((await write(view.hash, 'Late')).error, 'hash_conflict');
});

test('response_url: five times, for half an hour', async () => {
  const where = await card();
  await press(where, 'approve');
  const url = app.received.at(-1).payload.response_url;
  const say = async (body) => {
    const reply = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
    return { status: reply.status, ...(await reply.json()) };
  };
  for (let n = 0; n < 4; n += 1) assert.equal((await say({ text: `only you ${n}` })).ok, true);
  assert.equal((await say({ text: 'replaced', replace_original: true })).ok, true);
  assert.deepEqual(await say({ text: 'too many' }), { status: 404, ok: false, error: 'used_url' });
  const message = await shown(where);
  assert.deepEqual([message.text, message.blocks], ['replaced', []]);
  assert.deepEqual(message.ephemerals.map((one) => one.text), ['only you 0', 'only you 1', 'only you 2', 'only you 3']);
  const later = await card();
  await press(later, 'approve');
  const fresh = app.received.at(-1).payload.response_url;
  await client.post('clock', { advance_ms: 30 * 60 * 1000 + 1 });
  const reply = await fetch(fresh, { method: 'POST', body: '{"text":"x"}' });
  assert.equal((await reply.json()).error, 'expired_url');
});

test('an ephemeral answer is tied to the card that was pressed', async () => {
  const where = await card();
  answer = async (payload) => {
    await client.call('chat.postEphemeral', { channel: where.channel, user: payload.user.id, text: 'no' });
    return {};
  };
  await press(where, 'approve', 'U0BOB');
  const message = await shown(where);
  assert.deepEqual(message.ephemerals.map((one) => [one.ephemeral_to, one.text]), [['U0BOB', 'no']]);
});

test('events are signed too', async () => {
  await client.post('event', { type: 'url_verification', challenge: 'abc' });
  const { body, headers } = app.received.at(-1);
  assert.deepEqual([JSON.parse(body).type, JSON.parse(body).challenge], ['url_verification', 'abc']);
  const given = { 'x-slack-signature': headers['x-slack-signature'], 'x-slack-request-timestamp': Number(headers['x-slack-request-timestamp']) };
  assert.equal(bolt.isValidSlackRequest({ signingSecret: slack.workspace.signingSecret, body, headers: given }), true);
});

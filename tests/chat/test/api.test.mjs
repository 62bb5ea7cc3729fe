// The Web API, call by call: what is sent and what Slack answers.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startSlack } from '../slack.mjs';
import { sampleCard } from './card.mjs';
import { clientOf } from './client.mjs';

let slack;
let client;

before(async () => {
  slack = await startSlack();
  client = clientOf(slack);
  await client.post('channels', { id: 'C0CLOSED', is_archived: true });
});
after(() => slack.close());

const FORM = 'application/x-www-form-urlencoded';
const plain = { type: 'plain_text', text: 'Go' };
const view = { type: 'modal', title: plain, blocks: [{ type: 'divider' }] };
const at = (channel, extra) => ({ channel, text: 'hello', ...extra });

/** `expect` is compared with the fields of the answer that it names; a function gets the whole answer. */
function check(name, { method, args, options }, expect) {
  test(`${method}: ${name}`, async () => {
    const answer = await client.call(method, args, options);
    assert.equal(answer.status, 200);
    if (typeof expect === 'function') return expect(answer);
    const seen = Object.fromEntries(Object.keys(expect).map((key) => [key, answer[key]]));
    assert.deepEqual(seen, expect);
  });
}

const post = (args, options) => ({ method: 'chat.postMessage', args, options });
const failed = (error, extra = {}) => ({ ok: false, error, ...extra });
const messages = (...list) => ({ response_metadata: { messages: list.map((message) => `[ERROR] ${message}`) } });

// Tokens.
check('no token', post(at('C0DATA'), { token: null }), failed('not_authed'));
check('a wrong token', post(at('C0DATA'), { token: 'xoxb-no' }), failed('invalid_auth'));
check('a token in the form', { method: 'auth.test', args: { token: 'xoxb-no' }, options: { token: null, type: FORM } }, failed('invalid_auth'));
check('a good token', { method: 'auth.test' }, { ok: true, team_id: 'T0COUNTER', bot_id: 'B0COUNTER', user_id: 'U0COUNTERSIGN' });
check('a method there is not', { method: 'chat.shout' }, failed('unknown_method', { req_method: 'chat.shout' }));

for (const [method, needed] of [['chat.postMessage', 'chat:write'], ['users.info', 'users:read'], ['conversations.info', 'channels:read'], ['usergroups.users.list', 'usergroups:read']]) {
  test(`${method}: a token without the scope`, async () => {
    const { token } = await client.post('tokens', { scopes: ['reactions:read'] });
    const { ok, error, needed: missing, provided } = await client.call(method, {}, { token });
    assert.deepEqual({ ok, error, missing, provided }, { ok: false, error: 'missing_scope', missing: needed, provided: 'reactions:read' });
  });
}

// Content types.
check('JSON without charset', post(at('C0DATA'), { type: 'application/json' }), { ok: true, warning: 'missing_charset', response_metadata: { warnings: ['missing_charset'] } });
check('a form with charset', post(at('C0DATA'), { type: `${FORM}; charset=utf-8` }), { ok: true, warning: 'superfluous_charset' });
check('a form', post(at('C0DATA'), { type: FORM }), { ok: true, warning: undefined });
check('GET', post(at('C0DATA'), { verb: 'GET' }), { ok: true });
check('JSON that is none', post({}, { body: '{' }), failed('invalid_json'));
check('JSON that is a list', post({}, { body: '[]' }), failed('json_not_object'));
check('JSON under the name of a form', post({}, { type: FORM, body: '{"channel":"C0DATA"}' }), failed('invalid_form_data'));
check('a form with a broken escape', post({}, { type: FORM, body: 'channel=%ZZ' }), failed('invalid_form_data'));
check('XML', post({}, { type: 'application/xml', body: '<a/>' }), failed('invalid_post_type'));
check('another charset', post({}, { type: 'application/json; charset=utf-16' }), failed('invalid_charset'));

// chat.postMessage
check('no channel', post({ text: 'x' }), failed('invalid_arguments', messages('missing required field: channel')));
check('a channel there is not', post(at('C0NOWHERE')), failed('channel_not_found'));
check('a channel without the app', post(at('C0ABSENT')), failed('not_in_channel'));
check('an archived channel', post(at('C0CLOSED')), failed('is_archived'));
check('a channel by name', post(at('#data')), { ok: true, channel: 'C0DATA' });
check('neither text nor blocks', post({ channel: 'C0DATA' }), failed('no_text'));
check('empty text', post(at('C0DATA', { text: '' })), failed('no_text'));
check('text of 4001', post(at('C0DATA', { text: 'x'.repeat(4001) })), failed('msg_too_long'));
check('blocks that are no list', post(at('C0DATA', { blocks: { type: 'divider' } })), failed('invalid_blocks_format'));
check('blocks that are no JSON', post(at('C0DATA', { blocks: '[{' }), { type: FORM }), failed('invalid_blocks_format'));
check('blocks as JSON in a form', post(at('C0DATA', { blocks: '[{"type":"divider"}]' }), { type: FORM }), { ok: true });
check('wrong blocks', post(at('C0DATA', { blocks: [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }] })), (answer) => {
  const problems = ['failed to match all allowed schemas [json-pointer:/blocks/0/text]', 'must be less than 151 characters [json-pointer:/blocks/0/text/text]'];
  assert.equal(answer.error, 'invalid_blocks');
  assert.deepEqual(answer.errors, problems);
  assert.deepEqual(answer.response_metadata.messages, problems.map((problem) => `[ERROR] ${problem}`));
});
check('blocks of more than 12,000 bytes', post(sampleCard('C0DATA', 'req_big', { words: 'x'.repeat(11_000) })), failed('msg_blocks_too_long'));
check('metadata that is no object', post(at('C0DATA', { metadata: 'x' })), failed('invalid_metadata_format'));
check('metadata without a type', post(at('C0DATA', { metadata: { event_payload: {} } })), failed('invalid_metadata_format'));
check('metadata with null in it', post(at('C0DATA', { metadata: { event_type: 'a', event_payload: { b: null } } })), failed('invalid_metadata_schema'));
check('a card', post(sampleCard('C0DATA', 'req_card')), (answer) => {
  assert.equal(answer.ok, true);
  assert.match(answer.ts, /^\d{10}\.\d{6}$/);
  assert.equal(answer.message.blocks.length, 6);
  assert.ok(answer.message.blocks.every((block) => block.block_id), 'every block has an id');
  assert.equal(answer.message.metadata, undefined, 'metadata is not in the answer');
});

// chat.update
const update = (args) => ({ method: 'chat.update', args });
check('no ts', update({ channel: 'C0DATA', text: 'x' }), failed('invalid_arguments', messages('missing required field: ts')));
check('a message there is not', update({ channel: 'C0DATA', ts: '1.000001', text: 'x' }), failed('message_not_found'));
check('a channel there is not', update({ channel: 'C0NOWHERE', ts: '1.000001', text: 'x' }), failed('channel_not_found'));

test("chat.update: somebody else's message", async () => {
  const { ts } = await client.post('message', { channel: 'C0DATA', user: 'U0BOB', text: 'hi' });
  assert.equal((await client.call('chat.update', { channel: 'C0DATA', ts, text: 'x' })).error, 'cant_update_message');
});

test('chat.update: text without blocks deletes the blocks, metadata stays until it is set', async () => {
  const { ts } = await client.call('chat.postMessage', sampleCard('C0SECURITY', 'req_update'));
  const empty = await client.call('chat.update', { channel: 'C0SECURITY', ts });
  assert.equal(empty.error, 'no_text');
  const updated = await client.call('chat.update', { channel: 'C0SECURITY', ts, text: 'approved' });
  assert.equal(updated.ok, true);
  const find = async () => (await client.get('messages?channel=C0SECURITY&contains=req_update')).messages[0];
  const message = await find();
  assert.deepEqual({ text: message.text, blocks: message.blocks, updates: message.updates, id: message.request_id }, { text: 'approved', blocks: [], updates: 1, id: 'req_update' });
  assert.equal(message.edited.user, 'U0COUNTERSIGN');
  assert.equal(message.history[0].blocks.length, 6, 'what it showed before is kept');
});

// chat.postEphemeral
const whisper = (args) => ({ method: 'chat.postEphemeral', args });
check('to a member', whisper(at('C0ESCALATE', { user: 'U0BOB' })), (answer) => {
  assert.equal(answer.ok, true);
  assert.match(answer.message_ts, /^\d{10}\.\d{6}$/);
});
check('no user', whisper(at('C0ESCALATE')), failed('invalid_arguments', messages('missing required field: user')));
check('to somebody who is gone', whisper(at('C0ESCALATE', { user: 'U0GONE' })), failed('user_not_in_channel'));
check('to a single-channel guest elsewhere', whisper(at('C0ESCALATE', { user: 'U0ULTRA' })), failed('user_not_in_channel'));
check('to another workspace where the channel is not shared', whisper(at('C0ESCALATE', { user: 'U0STRANGE' })), failed('user_not_in_channel'));

// users.info
const info = (user, options) => ({ method: 'users.info', args: { user }, options: { type: FORM, ...options } });
const flags = (expect) => (answer) => {
  assert.equal(answer.ok, true);
  const seen = Object.fromEntries(Object.keys(expect).map((key) => [key, answer.user[key]]));
  assert.deepEqual(seen, expect);
};
check('a person', info('U0ALICE'), flags({ id: 'U0ALICE', team_id: 'T0COUNTER', deleted: false, is_bot: false, is_restricted: false, is_ultra_restricted: false, is_stranger: undefined }));
check('by GET', info('U0ALICE', { verb: 'GET' }), flags({ id: 'U0ALICE' }));
check('a JSON body is not read', info('U0ALICE', { type: 'application/json; charset=utf-8' }), failed('user_not_found'));
check('a user there is not', info('U0NOBODY'), failed('user_not_found'));
check('a guest', info('U0GUEST'), flags({ is_restricted: true, is_ultra_restricted: false }));
check('a single-channel guest', info('U0ULTRA'), flags({ is_restricted: true, is_ultra_restricted: true }));
check('a bot', info('U0BOT'), flags({ is_bot: true }));
check('somebody who is gone has no guest flags', info('U0GONE'), flags({ deleted: true, is_restricted: undefined }));
check('a stranger', info('U0STRANGE'), flags({ team_id: 'T0OTHER', is_stranger: true }));
check('another workspace in a shared channel has no stranger flag', info('U0CONNECT'), flags({ team_id: 'T0OTHER', is_stranger: undefined }));

test('users.info: the e-mail needs its scope', async () => {
  const { token } = await client.post('tokens', { scopes: ['users:read'] });
  const { user } = await client.call('users.info', { user: 'U0ALICE' }, { token, type: FORM });
  assert.equal(user.profile.email, undefined);
  const full = await client.call('users.info', { user: 'U0ALICE' }, { type: FORM });
  assert.equal(full.user.profile.email, 'alice@counter.example');
});

// conversations.info and usergroups.users.list
const form = (method, args) => ({ method, args, options: { type: FORM } });
check('a channel', form('conversations.info', { channel: 'C0DATA' }), (answer) => assert.deepEqual([answer.channel.id, answer.channel.is_member], ['C0DATA', true]));
check('a channel without the app', form('conversations.info', { channel: 'C0ABSENT' }), (answer) => assert.equal(answer.channel.is_member, false));
check('a channel there is not', form('conversations.info', { channel: 'C0NOWHERE' }), failed('channel_not_found'));
check('a JSON body is not read', { method: 'conversations.info', args: { channel: 'C0DATA' } }, failed('invalid_arguments', messages('missing required field: channel')));
check('a group', form('usergroups.users.list', { usergroup: 'S0PLATFORM' }), { ok: true, users: ['U0ALICE', 'U0BOB', 'U0CAROL'] });
check('a group there is not', form('usergroups.users.list', { usergroup: 'S0NONE' }), failed('no_such_subteam'));

// views.open without a trigger that works; what needs a click is in interactions.test.mjs
const open = (args) => ({ method: 'views.open', args });
check('no trigger', open({ view }), failed('invalid_arguments', messages('missing required field: trigger_id')));
check('a trigger of another shape', open({ view, trigger_id: 'x' }), failed('invalid_arguments', messages('invalid `trigger_id` [json-pointer:/trigger_id]')));
check('a trigger there is not', open({ view, trigger_id: '1.2.abc' }), failed('invalid_trigger_id'));
check('a wrong view', open({ view: { ...view, title: undefined }, trigger_id: '1.2.abc' }), failed('invalid_arguments', messages('missing required field: title [json-pointer:/view]')));
check('a view of more than 250 kB', open({ view: { ...view, private_metadata: 'x'.repeat(250_000) }, trigger_id: '1.2.abc' }), failed('view_too_large'));
check('a view there is not', { method: 'views.update', args: { view, view_id: 'V0NONE' } }, failed('not_found'));

test('calls are recorded without the token', async () => {
  await client.call('users.info', { user: 'U0DAVE', token: slack.workspace.botToken }, { token: null, type: FORM });
  const { calls } = await client.get('calls?method=users.info');
  const call = calls.findLast((candidate) => candidate.args.user === 'U0DAVE');
  assert.deepEqual([call.ok, call.status], [true, 200]);
  assert.equal(JSON.stringify(calls).includes(slack.workspace.botToken), false);
});

// Faults and rates: the workspace down, slow, overloaded, or answering after the client is gone.
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startSlack } from '../slack.mjs';
import { clientOf } from './client.mjs';

let slack;
let client;

before(async () => {
  slack = await startSlack();
  client = clientOf(slack);
});
after(() => slack.close());
afterEach(() => client.remove('faults'));

const say = (channel = 'C0DATA', text = 'x') => client.call('chat.postMessage', { channel, text });
const fault = (wanted) => client.post('faults', wanted);
const count = async (text) => (await client.get(`messages?contains=${text}`)).messages.length;

test('down: the connection is reset', async () => {
  await fault({ method: 'chat.postMessage', mode: 'down' });
  await assert.rejects(say(), (error) => error.cause?.code === 'ECONNRESET');
  assert.equal((await client.call('auth.test')).ok, true, 'other methods go on');
});

test('http_500', async () => {
  await fault({ method: '*', mode: 'http_500', times: 1 });
  const answer = await fetch(`${slack.url}/api/auth.test`, { method: 'POST' });
  assert.equal(answer.status, 500);
  assert.equal((await say()).ok, true, 'once only');
});

test('ratelimited', async () => {
  await fault({ method: 'chat.postMessage', mode: 'ratelimited', times: 1 });
  const { status, error, headers } = await say();
  assert.deepEqual([status, error, headers.get('retry-after')], [429, 'ratelimited', '1']);
});

test('error:<code>, in one channel', async () => {
  await fault({ method: 'chat.postMessage', mode: 'error:internal_error', channel: 'C0SECURITY' });
  assert.equal((await say('C0SECURITY')).error, 'internal_error');
  assert.equal((await say('C0DATA')).ok, true);
});

test('hang: no answer until the faults are cleared', async () => {
  await fault({ method: 'chat.postMessage', mode: 'hang' });
  const hanging = say().then(() => 'answered', () => 'cut');
  while (slack.workspace.faults.hung.size === 0) await new Promise(setImmediate);
  await client.remove('faults');
  assert.equal(await hanging, 'cut');
});

test('lost_answer: done, but the client does not hear of it', async () => {
  await fault({ method: 'chat.postMessage', mode: 'lost_answer', times: 1 });
  await assert.rejects(say('C0DATA', 'twice-posted'));
  await say('C0DATA', 'twice-posted');
  assert.equal(await count('twice-posted'), 2);
});

test('a fault that is none is refused', async () => {
  const { http, error } = await fault({ mode: 'explode' });
  assert.deepEqual([http, error], [400, 'invalid_fault']);
});

test('rate: one a second beyond the burst, by channel', async () => {
  await client.post('channels', { id: 'C0SLOW' });
  await client.post('config', { channel: 'C0SLOW', rate: { per_second: 1, burst: 2 } });
  assert.equal((await say('C0SLOW')).ok, true);
  assert.equal((await say('C0SLOW')).ok, true);
  const { status, error, headers } = await say('C0SLOW');
  assert.deepEqual([status, error, headers.get('retry-after')], [429, 'ratelimited', '1']);
  assert.equal((await say('C0DATA')).ok, true, 'other channels go on');
  await client.post('clock', { advance_ms: 1000 });
  assert.equal((await say('C0SLOW')).ok, true);
  assert.equal((await say('C0SLOW')).status, 429);
});

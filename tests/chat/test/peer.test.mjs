// Slack's own client library against the stand-in: what it sends is understood, what it gets back it can read.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { LogLevel, WebClient } from '@slack/web-api';
import { startSlack } from '../slack.mjs';
import { sampleCard } from './card.mjs';

let slack;
let web;

before(async () => {
  slack = await startSlack();
  web = new WebClient(slack.workspace.botToken, { slackApiUrl: `${slack.url}/api/`, logLevel: LogLevel.ERROR, retryConfig: { retries: 0 } });
});
after(() => slack.close());

test('posts, updates and whispers', async () => {
  const { ts, ok } = await web.chat.postMessage(sampleCard('C0DATA', 'req_peer'));
  assert.equal(ok, true);
  const updated = await web.chat.update({ channel: 'C0DATA', ts, text: 'approved' });
  assert.equal(updated.text, 'approved');
  assert.ok((await web.chat.postEphemeral({ channel: 'C0DATA', user: 'U0BOB', text: 'no' })).message_ts);
});

test('reads users, channels and groups', async () => {
  assert.equal((await web.users.info({ user: 'U0GUEST' })).user.is_restricted, true);
  assert.equal((await web.conversations.info({ channel: 'C0ABSENT' })).channel.is_member, false);
  assert.deepEqual((await web.usergroups.users.list({ usergroup: 'S0SECURITY' })).users, ['U0DAVE', 'U0ERIN']);
});

test('reads an error with its details', async () => {
  const wrong = web.chat.postMessage({ channel: 'C0DATA', text: 'x', blocks: [{ type: 'header', text: { type: 'plain_text', text: 'x'.repeat(151) } }] });
  await assert.rejects(wrong, (error) => error.data.error === 'invalid_blocks' && error.data.response_metadata.messages.length === 2);
});

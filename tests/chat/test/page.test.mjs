// The channel page in a real browser, and the scripted reviewer both with and without one. Without Chromium the browser's tests are skipped.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { after, before, test } from 'node:test';
import { withPage } from '../clicker/browser.mjs';
import { findChromium } from '../clicker/find.mjs';
import { startSlack } from '../slack.mjs';
import { startApp } from './app.mjs';
import { sampleCard } from './card.mjs';
import { clientOf } from './client.mjs';

const chromium = findChromium();
const skip = chromium ? false : 'no Chromium on this machine';
const clicker = fileURLToPath(new URL('../clicker.mjs', import.meta.url));
const plain = (text) => ({ type: 'plain_text', text });

let slack;
let client;
let app;
let number = 0;

const modal = {
  type: 'modal',
  title: plain('Ask for more'),
  submit: plain('Ask'),
  blocks: [{ type: 'input', block_id: 'q', label: plain('Question'), element: { type: 'plain_text_input', action_id: 'text', multiline: true } }],
};

/** The app behind: alice may approve, bob is told no, a question goes through a modal. */
async function decide(payload) {
  if (payload.type === 'view_submission') {
    const [channel, ts] = payload.view.private_metadata.split(' ');
    await client.call('chat.update', { channel, ts, text: `asked: ${payload.view.state.values.q.text.value}` });
    return {};
  }
  const { channel, message, user, actions, trigger_id } = payload;
  const [{ action_id }] = actions;
  if (action_id === 'request_info') await client.call('views.open', { trigger_id, view: { ...modal, private_metadata: `${channel.id} ${message.ts}` } });
  else if (user.id === 'U0BOB') await client.call('chat.postEphemeral', { channel: channel.id, user: user.id, text: 'You own this agent.' });
  else await client.call('chat.update', { channel: channel.id, ts: message.ts, text: `${action_id} by ${user.id}` });
  return {};
}

before(async () => {
  slack = await startSlack();
  client = clientOf(slack);
  app = await startApp(decide);
  await client.post('config', { interactions_url: app.url });
});
after(async () => {
  await slack.close();
  await app.close();
});

async function card(options) {
  number += 1;
  const channel = `C0PAGE${number}`;
  const request = `req_page${number}`;
  await client.post('channels', { id: channel });
  const { ts } = await client.call('chat.postMessage', sampleCard(channel, request, options));
  return { channel, request, ts };
}

/** Runs the scripted reviewer; resolves to its JSON and its exit code. */
function review({ channel, request }, user, action, { environment = {}, text } = {}) {
  const parameters = ['--page', slack.url, '--channel', channel, '--request', request, '--as', user, '--do', action, ...(text ? ['--text', text] : [])];
  return new Promise((resolve) => {
    execFile(process.execPath, [clicker, ...parameters], { env: { ...process.env, ...environment } }, (error, output) => {
      resolve({ code: error?.code ?? 0, ...JSON.parse(output) });
    });
  });
}

test("the page shows an agent's words literally", { skip }, async () => {
  const words = '*bold* _it_ ~no~ `code` <@U0ALICE> <!channel> :smile: <https://evil.example|here> [a](https://evil.example) <img src=x onerror=alert(1)> &lt;b&gt; \u27e6U+202E\u27e7\n  two  spaces';
  const { channel, request } = await card({ words });
  await withPage(chromium, async (page) => {
    const errors = [];
    page.on('pageerror', (error) => errors.push(error.message));
    await page.goto(`${slack.url}/?channel=${channel}&as=alice`);
    const shown = await page.waitForSelector(`[data-request="${request}"]`);
    const texts = await shown.$$eval('pre', (all) => all.map((pre) => pre.textContent));
    assert.equal(texts[1], words);
    assert.equal((await shown.$$('a, img')).length, 0);
    assert.deepEqual(errors, []);
  });
});

test('the page follows changes without being reloaded', { skip }, async () => {
  const { channel, request, ts } = await card();
  await withPage(chromium, async (page) => {
    await page.goto(`${slack.url}/?channel=${channel}&as=alice`);
    await page.waitForSelector(`[data-request="${request}"] [data-action-id="approve"]`);
    await client.call('chat.update', { channel, ts, text: 'It was approved.' });
    await page.waitForSelector(`[data-request="${request}"][data-updates="1"]`);
    assert.equal(await page.$('[data-action-id="approve"]'), null);
    await client.call('chat.postEphemeral', { channel, user: 'U0BOB', text: 'for bob' });
    await client.call('chat.postEphemeral', { channel, user: 'U0ALICE', text: 'for alice' });
    await page.waitForSelector('[data-ephemeral="true"]');
    const own = await page.$$eval('[data-ephemeral="true"]', (all) => all.map((one) => one.innerText));
    assert.equal(own.length, 1);
    assert.match(own[0], /Only visible to you[^]*for alice/);
  });
});

test('a confirm dialog stands before the press', { skip }, async () => {
  const { channel, request, ts } = await card();
  await withPage(chromium, async (page) => {
    await page.goto(`${slack.url}/?channel=${channel}&as=alice`);
    const button = await page.waitForSelector(`[data-request="${request}"] [data-action-id="reject"]`);
    await button.click();
    await (await page.waitForSelector('[data-confirm-no]')).click();
    await page.waitForSelector('dialog', { hidden: true });
    assert.equal(app.received.some(({ payload }) => payload.message?.ts === ts), false);
    await button.click();
    await (await page.waitForSelector('[data-confirm-yes]')).click();
    await page.waitForSelector(`[data-request="${request}"][data-updates="1"]`);
    assert.equal(app.received.filter(({ payload }) => payload.message?.ts === ts).length, 1);
  });
});

for (const [via, environment] of [['chromium', {}], ['http', { CHROMIUM: 'none' }]]) {
  const options = { skip: via === 'chromium' && skip };

  test(`clicker over ${via}: approves`, options, async () => {
    const where = await card();
    const seen = await review(where, 'alice', 'approve', { environment });
    assert.deepEqual([seen.code, seen.via, seen.result, seen.ts], [0, via, 'changed', where.ts]);
    assert.match(seen.text, /approve by U0ALICE/);
    assert.ok(seen.click_ms > 0 && seen.change_ms >= seen.click_ms);
  });

  test(`clicker over ${via}: rejects`, options, async () => {
    const seen = await review(await card(), 'carol', 'reject', { environment });
    assert.deepEqual([seen.code, seen.result], [0, 'changed']);
    assert.match(seen.text, /reject by U0CAROL/);
  });

  test(`clicker over ${via}: asks`, options, async () => {
    const seen = await review(await card(), 'alice', 'ask', { environment, text: 'Why "now"?' });
    assert.deepEqual([seen.code, seen.result, seen.modals.length], [0, 'changed', 1]);
    assert.match(seen.text, /asked: Why "now"\?/);
  });

  test(`clicker over ${via}: is told no`, options, async () => {
    const seen = await review(await card(), 'bob', 'approve', { environment });
    assert.deepEqual([seen.code, seen.result, seen.told], [3, 'refused', ['You own this agent.']]);
  });

  test(`clicker over ${via}: an empty question stays in the modal, and a later review goes on`, options, async () => {
    const where = await card();
    const first = await review(where, 'alice', 'ask', { environment });
    assert.deepEqual([first.code, first.result], [1, 'modal_error']);
    const second = await review(where, 'alice', 'approve', { environment });
    assert.deepEqual([second.code, second.result], [0, 'changed']);
  });

  test(`clicker over ${via}: a button there is not`, options, async () => {
    const where = await card();
    await client.call('chat.update', { channel: where.channel, ts: where.ts, text: 'done' });
    const seen = await review(where, 'alice', 'approve', { environment });
    assert.deepEqual([seen.code, seen.result], [1, 'stuck']);
    assert.match(seen.detail, /no button approve/);
  });
}

// The program: its ready line, its secrets, and what it says when it cannot start.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { test } from 'node:test';

const main = fileURLToPath(new URL('../main.mjs', import.meta.url));

function start(parameters = [], environment = {}) {
  const { SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET, ...rest } = process.env;
  return spawn(process.execPath, [main, ...parameters], { env: { ...rest, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
}

async function readyLine(child) {
  let text = '';
  for await (const part of child.stdout) {
    text += part;
    if (text.includes('\n')) break;
  }
  return JSON.parse(text);
}

async function stop(child) {
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  return code;
}

test('the ready line names both servers and the secrets that were made up', async () => {
  const child = start(['--slack-port', '0', '--oidc-port', '0']);
  const ready = await readyLine(child);
  assert.deepEqual([ready.team_id, ready.app_id, ready.slack_api_base], ['T0COUNTER', 'A0COUNTER', `${ready.slack_url}/api`]);
  assert.match(ready.signing_secret, /^[0-9a-f]{32}$/);
  const answer = await fetch(`${ready.slack_api_base}/auth.test`, { method: 'POST', headers: { authorization: `Bearer ${ready.bot_token}` } });
  assert.equal((await answer.json()).ok, true);
  const discovery = await (await fetch(`${ready.oidc_url}/.well-known/openid-configuration`)).json();
  assert.equal(discovery.issuer, ready.oidc_url);
  assert.equal(await stop(child), 0);
});

test('given secrets are used and not printed', async () => {
  const child = start([], { SLACK_BOT_TOKEN: 'xoxb-given', SLACK_SIGNING_SECRET: 'given-secret' });
  const ready = await readyLine(child);
  assert.deepEqual([ready.bot_token, ready.signing_secret], [undefined, undefined]);
  const answer = await fetch(`${ready.slack_api_base}/auth.test`, { method: 'POST', headers: { authorization: 'Bearer xoxb-given' } });
  assert.equal((await answer.json()).ok, true);
  await stop(child);
});

test('a port that is no port, and one that is taken', async () => {
  const failure = async (parameters) => {
    const child = start(parameters);
    let text = '';
    child.stderr.on('data', (part) => (text += part));
    const [code] = await once(child, 'close');
    // Libraries may warn on standard error before it.
    return [code, text.trim().split('\n').at(-1)];
  };
  assert.deepEqual(await failure(['--slack-port', 'x']), [1, '--slack-port must be a port, 0 for a free one; not x']);
  const child = start();
  const { port } = new URL((await readyLine(child)).slack_url);
  assert.deepEqual(await failure(['--slack-port', port]), [1, `cannot listen on 127.0.0.1:${port}: EADDRINUSE`]);
  await stop(child);
});

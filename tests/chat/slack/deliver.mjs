// Sends a signed request to the app and times the answer. Slack gives up after 3 s; the stand-in calls it failed then,
// but goes on waiting (30 s), so that a test sees what the late answer was.
import { sign } from './signing.mjs';

const LATE_LIMIT_MS = 30_000;

/** Signs a body. `overrides` may shift the timestamp, use another secret, change the raw body after signing, add or omit headers. */
export function signed(workspace, { url, body, contentType, overrides = {} }) {
  const timestamp = String(overrides.timestamp ?? Math.floor(Date.now() / 1000) + (overrides.timestamp_shift_s ?? 0));
  const signature = overrides.signature ?? sign(overrides.secret ?? workspace.signingSecret, timestamp, body);
  const { retry, mutate } = overrides;
  const extra = { ...(retry && { 'X-Slack-Retry-Num': String(retry.num), 'X-Slack-Retry-Reason': retry.reason ?? 'http_timeout' }), ...overrides.headers };
  const sent = mutate === undefined ? body : body.replaceAll(mutate.from, () => mutate.to) + (mutate.append ?? '');
  return { url: overrides.url ?? url, body: sent, timestamp, signature, content_type: contentType, headers: extra, omit: overrides.omit ?? [] };
}

/**
 * Sends what `signed` made. Resolves to `{status, headers, body, ms, failed, error}`; `failed` is null, `timeout`, `http_<status>`
 * or `network`. `onFailed` is called as soon as Slack would show the failure.
 */
export async function deliver(workspace, raw, onFailed = () => {}) {
  const headers = {
    'Content-Type': raw.content_type,
    'User-Agent': 'Slackbot 1.0 (+https://api.slack.com/robots)',
    'X-Slack-Request-Timestamp': raw.timestamp,
    'X-Slack-Signature': raw.signature,
    ...raw.headers,
  };
  for (const name of raw.omit ?? []) delete headers[name];
  let failed = null;
  const fail = (reason) => {
    if (failed) return;
    failed = reason;
    onFailed(reason);
  };
  const timer = setTimeout(fail, workspace.config.ack_timeout_ms, 'timeout');
  const started = performance.now();
  const result = { status: null, headers: {}, body: '', ms: 0, failed: null, error: null };
  try {
    const answer = await fetch(raw.url, { method: 'POST', headers, body: raw.body, redirect: 'manual', signal: AbortSignal.timeout(LATE_LIMIT_MS) });
    result.status = answer.status;
    result.headers = Object.fromEntries(answer.headers);
    result.body = await answer.text();
    if (answer.status < 200 || answer.status > 299) fail(`http_${answer.status}`);
  } catch (error) {
    result.error = error.cause?.code ?? error.name;
    fail('network');
  } finally {
    clearTimeout(timer);
  }
  result.ms = Math.round((performance.now() - started) * 10) / 10;
  result.failed = failed;
  return result;
}

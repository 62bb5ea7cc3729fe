// Signs what the stand-in sends, as Slack does: HMAC-SHA256 over `v0:timestamp:body`.
import { createHmac } from 'node:crypto';

/** The value of X-Slack-Signature for a raw body (string or Buffer) and a timestamp in seconds. */
export function sign(secret, timestamp, body) {
  const mac = createHmac('sha256', secret);
  mac.update(`v0:${timestamp}:`);
  mac.update(body);
  return `v0=${mac.digest('hex')}`;
}

// Our signatures against the published vector, and against the verifier of @slack/bolt.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import bolt from '@slack/bolt';
import { sign } from '../slack/signing.mjs';

const SECRET = '8f742231b10e8888abcd99yyyzzz85a5';
const TIMESTAMP = 1531420618;
const BODY =
  'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA' +
  '&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554' +
  '%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';

test('the published vector', () => {
  assert.equal(sign(SECRET, TIMESTAMP, BODY), 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503');
});

test('bolt accepts what we sign and nothing near it', () => {
  const valid = (signature, body = BODY, timestamp = TIMESTAMP) =>
    bolt.isValidSlackRequest({
      signingSecret: SECRET,
      body,
      nowMilliseconds: TIMESTAMP * 1000,
      headers: { 'x-slack-signature': signature, 'x-slack-request-timestamp': timestamp },
    });
  const signature = sign(SECRET, TIMESTAMP, BODY);
  assert.equal(valid(signature), true);
  assert.equal(valid(signature, `${BODY} `), false);
  assert.equal(valid(signature, BODY, TIMESTAMP + 1), false);
  assert.equal(valid(sign('another', TIMESTAMP, BODY)), false);
});

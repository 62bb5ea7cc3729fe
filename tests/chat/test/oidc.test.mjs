// Sign-in: the real authorization-code flow with PKCE over HTTP, and that a minted token says the same as a real one.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose';
import { startOidc } from '../oidc.mjs';

let oidc;
let keys;

before(async () => {
  oidc = await startOidc();
  keys = createRemoteJWKSet(new URL(`${oidc.url}/jwks`));
});
after(() => oidc.close());

/** A browser without a window: follows redirects of the provider, keeps its cookies, submits its forms. */
function visitor() {
  const jar = new Map();
  const visit = async (url, form) => {
    const headers = { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') };
    const answer = await fetch(url, { redirect: 'manual', headers, ...(form && { method: 'POST', body: new URLSearchParams(form) }) });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, ...value] = cookie.split(';')[0].split('=');
      jar.set(name, value.join('='));
    }
    const location = answer.headers.get('location');
    if (!location) return { page: await answer.text(), status: answer.status };
    const next = new URL(location, url);
    return next.origin === oidc.url ? visit(next) : { redirect: next };
  };
  return visit;
}

const fieldsOf = (page) => Object.fromEntries([...page.matchAll(/name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));
const formOf = (page) => /action="([^"]+)"/.exec(page)[1];

/** Signs in and returns the token endpoint's answer. */
async function signIn(login, { verifier = randomBytes(32).toString('base64url'), sent = verifier } = {}) {
  const redirect_uri = 'http://127.0.0.1:45678/callback';
  const challenge = createHash('sha256').update(verifier).digest('base64url');
  const query = {
    client_id: 'countersign-cli',
    response_type: 'code',
    redirect_uri,
    scope: 'openid email countersign.decide countersign.read',
    state: 'a-state',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  };
  const visit = visitor();
  let step = await visit(`${oidc.url}/auth?${new URLSearchParams(query)}`);
  for (let n = 0; n < 4 && step.page; n += 1) {
    step = await visit(formOf(step.page), { ...fieldsOf(step.page), login, password: 'any' });
  }
  assert.equal(step.redirect?.searchParams.get('state'), 'a-state', `the flow ends at ${step.redirect ?? step.page}`);
  const code = step.redirect.searchParams.get('code');
  const body = new URLSearchParams({ grant_type: 'authorization_code', client_id: 'countersign-cli', code, redirect_uri, code_verifier: sent });
  return (await fetch(`${oidc.url}/token`, { method: 'POST', body })).json();
}

const mint = async (wanted) => {
  const answer = await fetch(`${oidc.url}/_standin/token`, { method: 'POST', body: JSON.stringify(wanted) });
  return { status: answer.status, ...(await answer.json()) };
};
const verify = (token) => jwtVerify(token, keys, { issuer: oidc.url, audience: 'countersign', algorithms: ['RS256'], typ: 'at+jwt' });

test('a real sign-in gives the token that we mint', async () => {
  const started = Math.floor(Date.now() / 1000);
  const real = await signIn('alice');
  assert.equal(real.token_type, 'Bearer');
  const minted = await mint({ sub: 'alice' });
  const [a, b] = await Promise.all([verify(real.access_token), verify(minted.token)]);
  assert.deepEqual(a.protectedHeader, b.protectedHeader);
  assert.deepEqual(Object.keys(a.payload).sort(), Object.keys(b.payload).sort());
  const stable = ({ jti, iat, exp, auth_time, ...rest }) => ({ ...rest, life: exp - iat });
  assert.deepEqual(stable(a.payload), stable(b.payload));
  assert.deepEqual(stable(a.payload), {
    sub: 'alice',
    email: 'alice@counter.example',
    scope: 'countersign.decide countersign.read',
    client_id: 'countersign-cli',
    iss: oidc.url,
    aud: 'countersign',
    life: 600,
  });
  for (const { payload } of [a, b]) assert.ok(payload.auth_time >= started && payload.auth_time <= started + 60);
  const identity = decodeJwt(real.id_token);
  assert.deepEqual([identity.sub, identity.email, identity.aud], ['alice', 'alice@counter.example', 'countersign-cli']);
});

test('a wrong verifier gives no token', async () => {
  const { error, access_token } = await signIn('alice', { sent: randomBytes(32).toString('base64url') });
  assert.deepEqual([error, access_token], ['invalid_grant', undefined]);
});

test('PKCE is required', async () => {
  const query = new URLSearchParams({ client_id: 'countersign-cli', response_type: 'code', redirect_uri: 'http://127.0.0.1:1/callback', scope: 'openid' });
  const answer = await fetch(`${oidc.url}/auth?${query}`, { redirect: 'manual' });
  const location = new URL(answer.headers.get('location'));
  assert.equal(location.searchParams.get('error'), 'invalid_request');
});

test('another client can register itself', async () => {
  const body = JSON.stringify({ redirect_uris: ['http://127.0.0.1:4000/auth/return'], grant_types: ['authorization_code'], response_types: ['code'] });
  const answer = await fetch(`${oidc.url}/reg`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { client_id, client_secret } = await answer.json();
  assert.equal(answer.status, 201);
  assert.ok(client_id && client_secret);
});

/** What a minted token says when it is asked to differ. */
function check(name, wanted, expect) {
  test(`mint: ${name}`, async () => {
    const { token } = await mint({ sub: 'bob', ...wanted });
    const claims = decodeJwt(token);
    const seen = Object.fromEntries(Object.keys(expect).map((key) => [key, claims[key]]));
    assert.deepEqual(seen, expect);
  });
}

check('scope', { scope: 'countersign.read' }, { scope: 'countersign.read' });
check('audience', { audience: 'another' }, { aud: 'another' });
check('no audience', { audience: null }, { aud: undefined, client_id: 'countersign-cli' });
check('issuer', { issuer: 'https://evil.example' }, { iss: 'https://evil.example' });
check('act', { act: { sub: 'agent' } }, { act: { sub: 'agent' } });
check('no auth_time', { omit_auth_time: true }, { auth_time: undefined });
check('somebody who is no account', { sub: 'mallory' }, { sub: 'mallory', email: undefined });

test('mint: an old sign-in and an expired token', async () => {
  const now = Math.floor(Date.now() / 1000);
  const { claims } = await mint({ sub: 'bob', auth_time_ago_s: 3600, expires_in_s: -10 });
  assert.ok(Math.abs(now - 3600 - claims.auth_time) < 5);
  assert.ok(claims.exp < now);
});

test('mint: what a verifier must refuse', async () => {
  const foreign = await mint({ sub: 'bob', key: 'foreign' });
  await assert.rejects(verify(foreign.token), errors.JWSSignatureVerificationFailed);
  assert.equal(decodeProtectedHeader(foreign.token).kid, decodeProtectedHeader((await mint({ sub: 'bob' })).token).kid, 'under the name of the good key');
  for (const alg of ['HS256', 'none']) await assert.rejects(verify((await mint({ sub: 'bob', alg })).token));
});

test('mint: a wrong field is refused', async () => {
  const { status, error } = await mint({ sub: 'bob', colour: 'red' });
  assert.deepEqual([status, error], [400, 'invalid_token_request']);
});

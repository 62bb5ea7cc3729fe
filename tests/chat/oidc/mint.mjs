// Makes an access token without a sign-in, for tests: the same claims as a real one, or deliberately wrong ones.
import { createHmac, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto';
import { SignJWT } from 'jose';
import { people } from '../slack/fixtures.mjs';
import { Refused } from '../slack/http.mjs';
import { AUDIENCE, CLIENT_ID, SCOPES, TOKEN_LIFE_S } from './configuration.mjs';

let foreign;
const foreignKey = () => (foreign ??= generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey);

/**
 * `{sub, scope?, audience?, auth_time_ago_s?, expires_in_s?, act?, omit_auth_time?, issuer?, key?: "foreign", alg?: "HS256"|"none",
 * client_id?, claims?}` → `{token, claims}`. `audience: null` leaves `aud` out. HS256 is signed with the public key's PEM as the
 * secret, which a careless verifier takes for good.
 */
export async function mint(url, key, wanted) {
  const known = ['sub', 'scope', 'audience', 'auth_time_ago_s', 'expires_in_s', 'act', 'omit_auth_time', 'issuer', 'key', 'alg', 'client_id', 'claims'];
  const unknown = Object.keys(wanted).find((name) => !known.includes(name));
  if (unknown) throw new Refused(400, 'invalid_token_request', `${unknown} is not one of ${known.join(', ')}`);
  if (typeof wanted.sub !== 'string') throw new Refused(400, 'invalid_token_request', 'sub must be a string, such as alice');
  const claims = claimsOf(url, wanted);
  const header = { alg: wanted.alg ?? 'RS256', typ: 'at+jwt', kid: key.kid };
  return { token: await signToken(header, claims, wanted.key === 'foreign' ? foreignKey() : key.privateKey), claims };
}

function claimsOf(url, wanted) {
  const now = Math.floor(Date.now() / 1000);
  const person = people.find((candidate) => candidate.id === wanted.sub);
  return {
    jti: randomBytes(16).toString('base64url'),
    sub: wanted.sub,
    ...(!wanted.omit_auth_time && { auth_time: now - (wanted.auth_time_ago_s ?? 0) }),
    ...(person && { email: person.email }),
    iat: now,
    exp: now + (wanted.expires_in_s ?? TOKEN_LIFE_S),
    scope: wanted.scope ?? SCOPES.join(' '),
    client_id: wanted.client_id ?? CLIENT_ID,
    iss: wanted.issuer ?? url,
    ...(wanted.audience !== null && { aud: wanted.audience ?? AUDIENCE }),
    ...(wanted.act !== undefined && { act: wanted.act }),
    ...wanted.claims,
  };
}

async function signToken(header, claims, privateKey) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const unsigned = `${encode(header)}.${encode(claims)}`;
  if (header.alg === 'none') return `${unsigned}.`;
  if (header.alg === 'HS256') {
    const pem = createPublicKey(privateKey).export({ type: 'spki', format: 'pem' });
    return `${unsigned}.${createHmac('sha256', pem).update(unsigned).digest('base64url')}`;
  }
  return new SignJWT(claims).setProtectedHeader(header).sign(privateKey);
}

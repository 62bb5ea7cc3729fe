// The provider's settings: who can sign in, which client may ask, and what an access token for the review API says.
import { people } from '../slack/fixtures.mjs';

/** Client of the command line: public, PKCE, loopback redirects on any port. */
export const CLIENT_ID = 'countersign-cli';

/** The audience that access tokens carry. */
export const AUDIENCE = 'countersign';

/** The scopes of the review API. */
export const SCOPES = ['countersign.decide', 'countersign.read'];

/** How long an access token lives, in seconds. */
export const TOKEN_LIFE_S = 600;

const RESOURCE = 'urn:countersign:review';

/** Settings for oidc-provider; `key` is `{kid, privateKey}`, RSA. */
export function configuration({ kid, privateKey }) {
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' };
  return {
    jwks: { keys: [jwk] },
    cookies: { keys: [kid] },
    clients: [
      {
        client_id: CLIENT_ID,
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        response_types: ['code'],
        redirect_uris: ['http://127.0.0.1/callback', 'http://127.0.0.1/', 'http://[::1]/callback', 'http://localhost/callback'],
      },
    ],
    pkce: { required: () => true },
    scopes: ['openid', 'email', ...SCOPES],
    claims: { openid: ['sub'], email: ['email', 'email_verified'] },
    ttl: { AccessToken: TOKEN_LIFE_S, AuthorizationCode: 60, IdToken: TOKEN_LIFE_S, Interaction: 600, Session: 3600, Grant: 3600 },
    findAccount,
    extraTokenClaims,
    features: {
      devInteractions: { enabled: true },
      // For a client with a secret and a redirect that is known only once the stack is up.
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          audience: AUDIENCE,
          scope: SCOPES.join(' '),
          accessTokenFormat: 'jwt',
          accessTokenTTL: TOKEN_LIFE_S,
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}

function findAccount(_, id) {
  const person = people.find((candidate) => candidate.id === id);
  if (!person) return undefined;
  return { accountId: id, claims: () => ({ sub: id, email: person.email, email_verified: true }) };
}

/** Puts the e-mail and the time of the sign-in into the access token. */
function extraTokenClaims(context, token) {
  const authTime = context.oidc.entities.AuthorizationCode?.authTime ?? context.oidc.session?.authTime();
  const person = people.find((candidate) => candidate.id === token.accountId);
  return { ...(authTime && { auth_time: authTime }), ...(person && { email: person.email }) };
}

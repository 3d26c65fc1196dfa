// A full OpenID provider on loopback (npm oidc-provider) for tests: discovery, authorization code with PKCE, device
// code, refresh. Whoever asks is logged in without a page to click on. Prints "listening ISSUER" when it serves.
//
// Beside the provider's own routes, for the test that holds it:
//   POST /_test/accounts  {sub, claims}                  adds or replaces an account; "alice" is there from the start
//   POST /_test/rotate    {keep: bool}                   a new signing key; the old one stays published only if kept
//   POST /_test/mint      {claims, header, alg, lifetime} a token signed with the current key; null removes a claim
//   POST /_test/browse    {url, sub, deny}               plays the browser: cookies, redirects, forms without anything
//                                                        to type; ends at the first address that is not ours, which it
//                                                        gets, and tells what it saw (status 0: nobody there)
//   GET  /_test/seen                                     how often each path was asked for

import { createServer } from 'node:http';
import { randomBytes, randomUUID } from 'node:crypto';
import { exportJWK, generateKeyPair, importJWK, SignJWT } from 'jose';
import Provider from 'oidc-provider';

const wantedPort = Number(process.argv[2] ?? 0);
const accounts = new Map([['alice', { groups: ['developers'], email: 'alice@example.com', email_verified: true }]]);
const seen = new Map();
const stored = new Map();
const cookieKey = randomBytes(32).toString('hex');
let keys = [];
let provider;
let issuer;

// Shared by all instances, so that sessions and codes outlive a change of keys.
class Memory {
  constructor(model) { this.model = model; }
  key(id) { return `${this.model}:${id}`; }
  async upsert(id, payload) { stored.set(this.key(id), payload); }
  async find(id) { return stored.get(this.key(id)); }
  async findWhere(field, value) {
    for (const [key, payload] of stored) {
      if (key.startsWith(`${this.model}:`) && payload[field] === value) return payload;
    }
    return undefined;
  }
  async findByUid(uid) { return this.findWhere('uid', uid); }
  async findByUserCode(code) { return this.findWhere('userCode', code); }
  async destroy(id) { stored.delete(this.key(id)); }
  async revokeByGrantId(grantId) {
    for (const [key, payload] of stored) if (payload.grantId === grantId) stored.delete(key);
  }
  async consume(id) { stored.get(this.key(id)).consumed = Math.floor(Date.now() / 1000); }
}

async function newKey(alg) {
  const { privateKey } = await generateKeyPair(alg, { extractable: true, modulusLength: 2048 });
  return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid: randomUUID() };
}

async function rotate(keep) {
  const old = keep ? keys : [];
  keys = [await newKey('RS256'), await newKey('ES256'), ...old];
  provider = new Provider(issuer, {
    adapter: Memory,
    jwks: { keys },
    cookies: { keys: [cookieKey] },
    clients: [{
      client_id: 'keyward-cli',
      client_name: 'Keyward command line',
      application_type: 'native', // any port on loopback, as RFC 8252 asks
      token_endpoint_auth_method: 'none',
      grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
      response_types: ['code'],
      redirect_uris: ['127.0.0.1', '[::1]', 'localhost'].flatMap(
        (host) => ['/', '/callback', '/oidc/callback'].map((path) => `http://${host}${path}`),
      ),
    }],
    claims: {
      openid: ['sub', 'groups'], groups: ['groups'], email: ['email', 'email_verified'], profile: ['name'],
    },
    scopes: ['openid', 'offline_access', 'groups', 'email', 'profile'],
    conformIdTokenClaims: false,
    features: { devInteractions: { enabled: false }, deviceFlow: { enabled: true } },
    interactions: { url: (_, interaction) => `/_test/interaction/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { IdToken: 300, AccessToken: 300, AuthorizationCode: 60, DeviceCode: 600, Interaction: 600, Session: 3600, Grant: 3600, RefreshToken: 3600 },
    async findAccount(_, sub) {
      const claims = accounts.get(sub);
      return claims && { accountId: sub, claims: async () => ({ ...claims, sub }) };
    },
    async loadExistingGrant(ctx) {
      const grant = new ctx.oidc.provider.Grant({
        clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId,
      });
      grant.addOIDCScope('openid offline_access groups email profile');
      await grant.save();
      return grant;
    },
  });
}

async function mint({ claims = {}, header = {}, alg = 'RS256', lifetime = 300 }) {
  const jwk = keys.find((key) => key.alg === alg);
  const now = Math.floor(Date.now() / 1000);
  const all = { iss: issuer, sub: 'alice', iat: now, nbf: now, exp: now + lifetime, jti: randomUUID(), ...claims };
  for (const [name, value] of Object.entries(all)) if (value === null) delete all[name];
  const token = await new SignJWT(all).setProtectedHeader({ alg, kid: jwk.kid, typ: 'JWT', ...header })
    .sign(await importJWK(jwk, alg));
  return { token };
}

const attribute = (tag, name) => new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1]?.replaceAll('&amp;', '&');

async function browse({ url, sub = 'alice', deny = false }) {
  const cookies = new Map();
  let request = { method: 'GET' };
  let at = new URL(url);
  for (let step = 0; step < 30; step += 1) {
    const ours = at.origin === issuer;
    const headers = { ...request.headers };
    if (ours) {
      headers.cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      headers['x-testbed-user'] = sub;
      if (deny) headers['x-testbed-deny'] = 'yes';
    }
    let reply;
    try {
      reply = await fetch(at, { ...request, headers, redirect: 'manual' });
    } catch (error) {
      if (ours) throw error;
      return { url: at.href, status: 0, body: '' }; // nobody waits there any more
    }
    const body = await reply.text();
    if (!ours) return { url: at.href, status: reply.status, body };
    for (const cookie of reply.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
      if (value) cookies.set(name, value); else cookies.delete(name);
    }
    const form = /<form[\s\S]*?<\/form>/.exec(body)?.[0];
    if (reply.headers.has('location')) {
      at = new URL(reply.headers.get('location'), at);
      request = { method: 'GET' };
    } else if (form && !/type="text"/.test(form) && reply.status === 200) {
      const fields = new URLSearchParams();
      for (const [input] of form.matchAll(/<input[^>]*>/g)) {
        if (attribute(input, 'type') === 'hidden') fields.set(attribute(input, 'name'), attribute(input, 'value') ?? '');
      }
      at = new URL(attribute(form, 'action'), at);
      request = {
        method: 'POST', body: fields.toString(), headers: { 'content-type': 'application/x-www-form-urlencoded' },
      };
    } else {
      return { url: at.href, status: reply.status, body };
    }
  }
  throw new Error('more than 30 redirects');
}

async function interact(req, res) {
  if (req.headers['x-testbed-deny']) {
    await provider.interactionFinished(req, res, { error: 'access_denied', error_description: 'the person said no' });
    return;
  }
  const accountId = req.headers['x-testbed-user'] ?? 'alice';
  await provider.interactionFinished(req, res, { login: { accountId }, consent: {} }, { mergeWithLastSubmission: false });
}

async function jsonBody(req) {
  const parts = [];
  for await (const part of req) parts.push(part);
  return parts.length ? JSON.parse(Buffer.concat(parts).toString()) : {};
}

const routes = {
  'POST /_test/accounts': async ({ sub, claims }) => { accounts.set(sub, claims ?? {}); return {}; },
  'POST /_test/rotate': async ({ keep = false }) => { await rotate(keep); return { kid: keys[0].kid }; },
  'POST /_test/mint': mint,
  'POST /_test/browse': browse,
  'GET /_test/seen': async () => Object.fromEntries(seen),
};

const server = createServer(async (req, res) => {
  const { pathname } = new URL(req.url, issuer);
  seen.set(pathname, (seen.get(pathname) ?? 0) + 1);
  try {
    const route = routes[`${req.method} ${pathname}`];
    if (route) {
      const answer = await route(await jsonBody(req));
      res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
    } else if (pathname.startsWith('/_test/interaction/')) {
      await interact(req, res);
    } else {
      provider.callback()(req, res);
    }
  } catch (error) {
    console.error(error);
    res.writeHead(500, { 'content-type': 'text/plain' }).end(String(error?.stack ?? error));
  }
});

server.listen(wantedPort, '127.0.0.1', async () => {
  issuer = `http://127.0.0.1:${server.address().port}`;
  await rotate(false);
  console.log(`listening ${issuer}`);
});

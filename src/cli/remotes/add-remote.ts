import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { getServer } from '../api/server.ts';
import { ask, askSecret } from '../input/ask.ts';
import type { Session } from '../session.ts';
import { connect } from './connect.ts';
import { addRemote, type Remote } from './remote.ts';
import { fetchServerCertificate, fingerprint, removePin, writePin } from './server-certificate.ts';
import { parseTrustToken, type TrustToken } from './token.ts';

export interface AddOptions {
  readonly acceptCertificate?: boolean;
  readonly password?: string;
  readonly token?: string;
  readonly public?: boolean;
  readonly protocol: Remote['protocol'];
  readonly project?: string;
}

/**
 * Makes a server known: pins its certificate once the user (or a token's fingerprint) vouches for it, and gets our own
 * certificate trusted by token or password. Nothing is kept of an attempt that fails.
 */
export async function addServer(
  session: Session,
  name: string | undefined,
  where: string,
  options: AddOptions,
): Promise<void> {
  const token = parseTrustToken(where);
  const given = token ?? (options.token === undefined ? undefined : parseTrustToken(options.token));
  if (options.token !== undefined && given === undefined)
    throw new AppError(
      'invalid',
      'this is not a trust token: copy the whole text that `berth config trust add` printed',
    );
  const addresses = token === undefined ? [where] : token.addresses;
  const secret = token === undefined ? (options.token ?? options.password) : where;
  let last: unknown = new AppError('invalid', 'the token names no address');
  for (const address of addresses) {
    const url = serverUrl(address, options.protocol);
    try {
      return await addOne(session, name ?? new URL(url).hostname, url, given, secret, options);
    } catch (error) {
      last = error;
      if (!(error instanceof AppError) || error.code !== 'unavailable') break;
    }
  }
  throw last;
}

async function addOne(
  session: Session,
  name: string,
  url: string,
  token: TrustToken | undefined,
  secret: string | undefined,
  options: AddOptions,
): Promise<void> {
  const { env } = session.io;
  const project = options.project === undefined ? {} : { project: options.project };
  const remote: Remote = {
    addr: url,
    protocol: options.protocol,
    public: options.public === true || options.protocol === 'simplestreams',
    ...project,
  };
  const changed = addRemote(await session.remotes(), name, remote);
  if (remote.protocol === 'simplestreams' || url.startsWith('unix:')) return session.saveRemotes(changed);
  const certificate = await fetchServerCertificate(url);
  await vouch(session, certificate, token, options.acceptCertificate === true);
  await writePin(env, name, certificate);
  try {
    const client = await connect(
      env,
      name,
      remote,
      undefined,
      session.flags.debug ? line => session.note(line) : undefined,
    );
    try {
      if (!remote.public) await beTrusted(session, client, name, secret);
    } finally {
      client.close();
    }
    await session.saveRemotes(changed);
  } catch (error) {
    await removePin(env, name);
    throw error;
  }
}

/** Pure. "host", "host:port" and URLs; the port is LXD's unless given. */
export function serverUrl(address: string, protocol: Remote['protocol'] = 'lxd'): string {
  if (address.startsWith('unix:')) return address;
  if (address.startsWith('http://')) throw new AppError('invalid', 'Only https URLs are supported for remotes');
  const text = address.startsWith('https://') ? address : `https://${address}`;
  if (!URL.canParse(text))
    throw new AppError('invalid', `"${address}" is no address: give HOST, HOST:PORT or https://HOST:PORT`);
  if (protocol === 'simplestreams') return text.replace(/\/+$/, '');
  const { hostname, port } = new URL(text);
  // URL drops the port that is the scheme's own, but who writes :443 means it.
  const explicit = port || (/^https:\/\/[^/]*:443(\/|$)/.test(text) ? '443' : undefined);
  return `https://${hostname}:${explicit ?? '8443'}`;
}

async function vouch(
  session: Session,
  certificate: string,
  token: TrustToken | undefined,
  accept: boolean,
): Promise<void> {
  const seen = fingerprint(certificate);
  if (token !== undefined) {
    if (token.fingerprint === seen) return;
    throw new AppError(
      'forbidden',
      `Certificate fingerprint mismatch between certificate token and server: the token says ${token.fingerprint}, the server shows ${seen}`,
    );
  }
  if (accept) return;
  session.note(`Certificate fingerprint: ${seen}`);
  const answer = await ask(session.io, 'ok (y/n/[fingerprint])? ');
  if (answer === seen || /^y(es)?$/i.test(answer)) return;
  throw new AppError('cancelled', 'Server certificate NACKed by user');
}

async function beTrusted(session: Session, client: Client, name: string, secret: string | undefined): Promise<void> {
  if ((await getServer(client)).auth === 'trusted') return;
  const password = secret ?? (await askSecret(session.io, `Admin password (or token) for ${name}: `));
  await client.send('POST', at`certificates`, {
    body: { type: 'client', name: '', certificate: '', password, token: false },
  });
  if ((await getServer(client)).auth !== 'trusted')
    throw new AppError('forbidden', "Server doesn't trust us after authentication");
  session.print(`Client certificate now trusted by server: ${name}`);
}

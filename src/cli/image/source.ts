import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { parseReference } from '../remotes/reference.ts';
import { getRemote } from '../remotes/remote.ts';
import type { Session } from '../session.ts';

export type ImageSource = Readonly<Record<string, unknown>>;

/**
 * What to tell a server about the image it shall use: its own by fingerprint; one of another server or an image store by
 * address, for it to fetch. The bytes never come through this tool.
 */
export async function imageSource(session: Session, image: string, serverRemote: string): Promise<ImageSource> {
  const remotes = await session.remotes();
  const { remote, name } = parseReference(image, remotes);
  const { addr, protocol } = getRemote(remotes, remote);
  if (protocol === 'simplestreams') {
    return { type: 'image', mode: 'pull', protocol, server: addr, alias: name || 'default', certificate: '' };
  }
  const client = await session.client(remote);
  const fingerprint = await imageFingerprint(client, name || 'default');
  if (remote === serverRemote) return { type: 'image', fingerprint };
  return { type: 'image', mode: 'pull', protocol: 'lxd', fingerprint, ...(await offer(client, fingerprint)) };
}

/** An alias wins over a fingerprint; a fingerprint may be shortened, which the server resolves. */
export async function imageFingerprint(client: Client, name: string): Promise<string> {
  const alias = await client.find<{ target: string }>(at`images/aliases/${name}`);
  return alias?.target ?? name;
}

/** Where the image's server can be reached by another server, and the secret that opens a private image. */
async function offer(client: Client, fingerprint: string): Promise<ImageSource> {
  const server = await client.get<{ environment: { addresses: readonly string[]; certificate: string } }>('/1.0');
  const image = await client.get<{ public: boolean; fingerprint: string }>(at`images/${fingerprint}`);
  const addresses = server.environment.addresses;
  const address = client.endpoint.kind === 'https' ? client.endpoint.url : `https://${addresses[0] ?? ''}`;
  const base = { server: address, certificate: server.environment.certificate, fingerprint: image.fingerprint };
  if (image.public) return base;
  const answer = await client.send('POST', at`images/${image.fingerprint}/secret`);
  return answer.kind === 'async' ? { ...base, secret: answer.operation.metadata?.secret } : base;
}

/** Opens a bulk stream on an agent, with a token that this agent issued. */
import { connect, type TLSSocket } from 'node:tls';
import { AppError } from '../../domain/errors.ts';
import { agentUri, type TlsIdentity, uriOf } from '../identity.ts';
import { type Channel, createChannel } from './channel.ts';
import { SOCKET_BUFFER_BYTES, tune } from './socket.ts';

export interface DialOptions {
  /** host:port; an IPv6 host in brackets. */
  readonly address: string;
  readonly identity: TlsIdentity;
  readonly kind: string;
  readonly token: string;
  /** Name of the node we mean to reach; another host that answers there is refused. */
  readonly node?: string;
  readonly timeoutMs?: number;
}

/** Throws `unavailable` if nobody answers, `unauthenticated` if it is somebody else, and what the agent refuses with. */
export async function dial(options: DialOptions): Promise<Channel> {
  const socket = await open(options);
  const peer = uriOf(socket.getPeerCertificate());
  if (!peer?.startsWith(agentUri('')) || (options.node !== undefined && peer !== agentUri(options.node))) {
    socket.destroy();
    throw new AppError(
      'unauthenticated',
      `At ${options.address} answers ${peer ?? 'an unknown host'}, not ${options.node === undefined ? 'an agent' : `node ${options.node}`}`,
    );
  }
  const channel = createChannel(socket, peer);
  const { body } = await channel.ask({ kind: options.kind, token: options.token });
  for await (const _ of body); // so that nothing of it is left before plain bytes
  return channel;
}

function open({ address, identity, timeoutMs = 10_000 }: DialOptions): Promise<TLSSocket> {
  const { hostname, port } = new URL(`tcp://${address}`);
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port),
      ...identity,
      minVersion: 'TLSv1.3',
      ...({ highWaterMark: SOCKET_BUFFER_BYTES } as object), // documented for sockets, missing in the types of connect
      // A certificate of the cluster's authority names a role, not an address; `dial` checks the role.
      checkServerIdentity: () => undefined,
    });
    const refuse = (cause: Error) => {
      clearTimeout(timer);
      socket.destroy();
      reject(new AppError('unavailable', `No data connection to ${address}: ${cause.message}`, cause));
    };
    const timer = setTimeout(() => refuse(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    socket.once('error', refuse);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', refuse);
      tune(socket);
      resolve(socket);
    });
  });
}

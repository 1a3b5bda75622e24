/**
 * Passes a websocket on to the controller that runs its session: every socket is a connection of its own, and a load
 * balancer may bring each to another front end.
 */
import type { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { AppError } from '../../domain/errors.ts';
import { fingerprintOf } from '../../kit/certificates.ts';

const CONNECT_MS = 5_000;
const MAX_UNSENT_BYTES = 1024 * 1024;

export interface RelayTarget {
  /** `host:port` of the other controller's HTTPS server. */
  readonly address: string;
  /** Fingerprint of the certificate that all front ends show. */
  readonly fingerprint: string;
}

/** @throws what the owner refuses with; then the client's connection is still free for an answer. */
export async function relay(target: RelayTarget, path: string, upgrade: () => Promise<WebSocket>): Promise<void> {
  const owner = await connect(target, path);
  owner.pause();
  const client = await upgrade();
  pipe(client, owner);
  pipe(owner, client);
  client.resume();
  owner.resume();
}

function connect({ address, fingerprint }: RelayTarget, path: string): Promise<WebSocket> {
  const socket = new WebSocket(`wss://${address}${path}`, {
    rejectUnauthorized: false, // pinned below: the certificate of a cluster is its own authority
    handshakeTimeout: CONNECT_MS,
    perMessageDeflate: false,
  });
  return new Promise((resolve, reject) => {
    const refuse = (error: AppError) => {
      socket.terminate();
      reject(error);
    };
    socket.once('upgrade', response => {
      const shown = (response.socket as TLSSocket).getPeerCertificate().raw;
      if (fingerprintOf(shown) !== fingerprint)
        refuse(new AppError('unauthenticated', `At ${address} answers someone who is not of this cluster`));
    });
    socket.once('unexpected-response', (_request, response) => {
      const code =
        response.statusCode === 403 ? 'forbidden' : response.statusCode === 404 ? 'not-found' : 'unavailable';
      refuse(new AppError(code, code === 'forbidden' ? 'not authorized: wrong or used secret' : 'Operation not found'));
    });
    socket.once('error', cause =>
      refuse(new AppError('unavailable', `The controller at ${address} does not answer`, cause)),
    );
    socket.once('open', () => resolve(socket));
  });
}

function pipe(from: WebSocket, to: WebSocket): void {
  from.on('message', (data, isBinary) => {
    if (to.readyState !== to.OPEN) return;
    to.send(data, { binary: isBinary }, () => from.resume());
    if (to.bufferedAmount > MAX_UNSENT_BYTES) from.pause();
  });
  from.once('close', code => to.close(code === 1000 ? 1000 : 1001));
  from.on('error', () => to.terminate());
}

/**
 * The door for bulk streams: TLS 1.3 with certificates on both sides, then one question `{kind, token}` that names
 * what the stream is for, then whatever the handler of that kind makes of it.
 */
import { createServer, type TLSSocket } from 'node:tls';
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';
import { type Channel, createChannel } from '../../rpc/data/channel.ts';
import { SOCKET_BUFFER_BYTES, tune } from '../../rpc/data/socket.ts';
import { type TlsIdentity, uriOf } from '../../rpc/identity.ts';
import { createTokens, type Params } from './tokens.ts';

/** Has the stream for as long as its promise is pending; what it throws is sent to the other end. */
type Handler = (stream: { readonly channel: Channel; readonly params: Params }) => Promise<void>;

export interface DataPlane {
  /** The port really listened on. */
  readonly port: number;
  handle(kind: string, handler: Handler): void;
  /** A permission, good once and for `ttlMs`, to open a stream of this kind with these parameters. */
  issueToken(kind: string, params: Params, ttlMs: number): string;
  /** Ends all streams. */
  close(): Promise<void>;
}

export interface ListenOptions {
  readonly host: string;
  /** 0: any free one. */
  readonly port: number;
  readonly identity: TlsIdentity;
  readonly clock: Pick<Clock, 'now'>;
  /** Called with what a stream failed of. */
  readonly onError?: (error: unknown, peer: string) => void;
}

const HELLO_MS = 10_000;
const hello = z.object({ kind: z.string(), token: z.string() });

export async function listenForData(options: ListenOptions): Promise<DataPlane> {
  const { identity, host, clock, onError = () => {} } = options;
  const handlers = new Map<string, Handler>();
  const tokens = createTokens(clock);
  const open = new Set<TLSSocket>();

  const server = createServer(
    {
      ...identity,
      minVersion: 'TLSv1.3',
      requestCert: true,
      rejectUnauthorized: true,
      handshakeTimeout: HELLO_MS,
      highWaterMark: SOCKET_BUFFER_BYTES,
    },
    socket => {
      open.add(socket);
      socket.once('close', () => open.delete(socket));
      tune(socket);
      const peer = uriOf(socket.getPeerCertificate());
      if (peer === undefined) return socket.destroy();
      return void converse(socket, peer).catch(error => onError(error, peer));
    },
  );

  async function converse(socket: TLSSocket, peer: string): Promise<void> {
    const channel = createChannel(socket, peer);
    try {
      const { handler, params } = await admit(channel, socket);
      await handler({ channel, params });
      await channel.close();
    } catch (error) {
      await channel.refuse(error);
      throw error;
    }
  }

  async function admit(channel: Channel, socket: TLSSocket): Promise<{ handler: Handler; params: Params }> {
    const timer = setTimeout(() => socket.destroy(), HELLO_MS);
    const question = await channel.receive().finally(() => clearTimeout(timer));
    const asked = hello.safeParse(question?.message);
    if (!asked.success) throw new AppError('invalid', 'A stream begins with its kind and token');
    const { kind, token } = asked.data;
    const params = tokens.redeem(token, kind);
    const handler = handlers.get(kind) ?? fail('unsupported', `This host has no streams of kind "${kind}"`);
    await channel.reply({ ok: true });
    return { handler, params };
  }

  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port, host, () => {
      server.off('error', reject);
      resolve((server.address() as { port: number }).port);
    });
  });

  return {
    port,
    handle: (kind, handler) => void handlers.set(kind, handler),
    issueToken: tokens.issue,
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise<void>(resolve => server.close(() => resolve()));
    },
  };
}

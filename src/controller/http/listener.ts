/** The two doors: TLS that asks for a client certificate without judging it, and a local socket for root and its group. */
import { chmod, unlink } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { AppError } from '../../domain/errors.ts';
import type { Identity } from '../../kit/certificates.ts';

export type Listeners = readonly ListenerOptions[];

export type ListenerOptions =
  | { readonly kind: 'tls'; readonly host: string; readonly port: number; readonly identity: Identity }
  | { readonly kind: 'unix'; readonly path: string };

export interface Listener {
  /** `host:port` of a TLS listener. */
  readonly address: string | undefined;
  close(): Promise<void>;
}

type UpgradeListener = (request: Parameters<RequestListener>[0], socket: Duplex, head: Buffer) => void;

/** Clients that keep a connection between two calls (Ansible sleeps a second) must not find it closed. */
const KEEP_ALIVE_MS = 75_000;

export async function openListener(
  options: ListenerOptions,
  handle: RequestListener,
  onUpgrade: UpgradeListener,
): Promise<Listener> {
  const server =
    options.kind === 'unix'
      ? createServer(handle)
      : createTlsServer(
          {
            cert: options.identity.cert,
            key: options.identity.key,
            minVersion: 'TLSv1.2',
            // Without `ca` no list of acceptable authorities is sent: Go clients would withhold their own certificate.
            requestCert: true,
            rejectUnauthorized: false,
          },
          handle,
        );
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.requestTimeout = 0; // an image takes as long as it takes
  server.on('upgrade', onUpgrade);
  if (options.kind === 'unix') await removeSocket(options.path);
  await new Promise<void>((resolve, reject) => {
    const where = options.kind === 'unix' ? options.path : `${options.host}:${options.port}`;
    server.once('error', cause =>
      reject(new AppError('unavailable', `Cannot listen on ${where}: ${cause.message}`, cause)),
    );
    const listening = () => resolve();
    if (options.kind === 'unix') server.listen(options.path, listening);
    else server.listen(options.port, options.host, listening);
  });
  if (options.kind === 'unix') await chmod(options.path, 0o660);
  return {
    address: options.kind === 'tls' ? addressOf(server.address() as AddressInfo) : undefined,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function addressOf({ address, port, family }: AddressInfo): string {
  return family === 'IPv6' ? `[${address}]:${port}` : `${address}:${port}`;
}

/** What a killed predecessor left. */
async function removeSocket(path: string): Promise<void> {
  await unlink(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
}

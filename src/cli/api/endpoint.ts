import type { RequestOptions } from 'node:http';
import type { ConnectionOptions, PeerCertificate } from 'node:tls';
import { AppError } from '../../domain/errors.ts';

/**
 * Where an API answers: a unix socket, or HTTPS. With `serverCertificate` the server must present exactly those bytes
 * (trust is the pinned certificate, not a name or an authority); without it the system's authorities decide.
 */
export type Endpoint =
  | { readonly kind: 'unix'; readonly socketPath: string }
  | {
      readonly kind: 'https';
      readonly url: string;
      /** PEM; both or neither. */
      readonly clientCertificate?: string;
      readonly clientKey?: string;
      /** PEM of the one certificate that is accepted. */
      readonly serverCertificate?: string;
    };

export function endpointName(endpoint: Endpoint): string {
  return endpoint.kind === 'unix' ? `unix://${endpoint.socketPath}` : endpoint.url;
}

/** Host and TLS options of a request or websocket to `endpoint`. */
export function connectOptions(endpoint: Endpoint): RequestOptions & ConnectionOptions {
  if (endpoint.kind === 'unix') return { socketPath: endpoint.socketPath, host: 'localhost' };
  const url = new URL(endpoint.url);
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port || 443),
    minVersion: 'TLSv1.3',
    ...(endpoint.clientCertificate === undefined ? {} : { cert: endpoint.clientCertificate, key: endpoint.clientKey }),
    ...(endpoint.serverCertificate === undefined ? {} : pinned(endpoint.serverCertificate)),
  };
}

/**
 * The pinned certificate is the only authority, also when something else signed it, and the leaf must be that very
 * certificate. Both checks run before the first byte of a request leaves.
 */
function pinned(pem: string): ConnectionOptions {
  const bytes = pemToDer(pem);
  return {
    ca: pem,
    allowPartialTrustChain: true,
    checkServerIdentity: (_host: string, peer: PeerCertificate) =>
      peer.raw.equals(bytes)
        ? undefined
        : new AppError('forbidden', 'the server shows another certificate than the one pinned'),
  };
}

export function pemToDer(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ''), 'base64');
}

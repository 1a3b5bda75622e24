import { AppError } from '../../domain/errors.ts';
import type { Operation } from '../api/operation.ts';

/**
 * The text that lets a client (`config trust add`) or a host (`cluster add`) in, once. It is base64 of JSON; the client
 * builds it from the token operation, because only here the text is needed.
 */
export interface TrustToken {
  readonly client_name: string;
  readonly fingerprint: string;
  readonly addresses: readonly string[];
  readonly secret: string;
  readonly expires_at: string;
}

const NEVER = '0001-01-01T00:00:00Z';

export function trustTokenOf(operation: Operation): string {
  const { request, fingerprint, addresses, secret, expiresAt } = operation.metadata ?? {};
  const name = (request as { name?: unknown } | undefined)?.name;
  return encode({ client_name: name ?? '', fingerprint, addresses, secret, expires_at: expiresAt ?? NEVER });
}

export function joinTokenOf(operation: Operation): string {
  const { serverName, fingerprint, addresses, secret, expiresAt } = operation.metadata ?? {};
  return encode({ server_name: serverName, fingerprint, addresses, secret, expires_at: expiresAt ?? NEVER });
}

/** The reading of a trust token, or undefined for a text that is none (it may be an address). */
export function parseTrustToken(text: string): TrustToken | undefined {
  const token = decode(text);
  if (token === undefined || typeof token.client_name !== 'string') return undefined;
  const { client_name, fingerprint, addresses, secret, expires_at } = token;
  if (typeof fingerprint !== 'string' || typeof secret !== 'string' || !Array.isArray(addresses)) return undefined;
  return {
    client_name,
    fingerprint,
    secret,
    addresses: addresses.map(String),
    expires_at: typeof expires_at === 'string' ? expires_at : NEVER,
  };
}

/** Refuses what is no join token before it is handed on: the usual slip is a truncated paste. */
export function requireJoinToken(text: string): void {
  const token = decode(text);
  if (typeof token?.server_name === 'string' && typeof token.secret === 'string') return;
  throw new AppError('invalid', 'this is not a join token: copy the whole text that `berth cluster add NAME` printed');
}

function encode(token: object): string {
  return Buffer.from(JSON.stringify(token)).toString('base64');
}

function decode(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(text.trim(), 'base64').toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

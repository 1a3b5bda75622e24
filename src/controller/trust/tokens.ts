/**
 * Tokens: a secret that lets its bearer add a certificate or join a host, once, or read an image. Users see one as an operation of class
 * `token` that runs until it is used, revoked or too old.
 */
import { createHash, randomBytes, randomUUID, timingSafeEqual } from 'node:crypto';
import { AppError, fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { expiryOf } from '../../domain/snapshot-expiry.ts';
import type { Clock } from '../../kit/clock.ts';
import { keyspace, type Stored } from '../../store/keyspace.ts';
import type { Store, Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { commit } from '../commit.ts';
import { SERVER } from '../spaces.ts';
import type { CertificateType } from './certificates.ts';

/** Key `tokens/<operation id>`; written by the certificates and the cluster API. */
export interface TokenRecord {
  /** UUID; also the id of the operation. */
  readonly id: string;
  readonly secret: string;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly purpose: TokenPurpose;
}

export type TokenPurpose =
  | {
      readonly kind: 'certificate';
      readonly name: string;
      readonly type: CertificateType;
      readonly restricted: boolean;
      readonly projects: readonly string[];
    }
  | { readonly kind: 'join'; readonly node: string }
  /** Lets its bearer read one image that is not public. */
  | { readonly kind: 'image'; readonly project: string; readonly fingerprint: string };

export const TOKENS = keyspace<TokenRecord, readonly [operation: string]>('tokens');

type Place = { readonly store: Store; readonly view: View; readonly clock: Clock };

/** Server keys that say how long a token lasts, as in "3H" or "1d". */
export const TOKEN_EXPIRY = { join: 'cluster.join_token_expiry', certificate: 'core.remote_token_expiry' } as const;

/** Without them: LXD's default for join tokens; for the others LXD knows no end, we do not leave open doors. */
const LIFETIME_MS = { join: 3 * 3600_000, certificate: 24 * 3600_000, image: 3600_000 } as const;

export async function issueToken(place: Place, purpose: TokenPurpose): Promise<TokenRecord> {
  const now = place.clock.now();
  const config = place.view.get(SERVER.key('config'))?.value.config ?? {};
  const record: TokenRecord = {
    id: randomUUID(),
    secret: randomBytes(32).toString('hex'),
    createdAt: now,
    expiresAt: expiryFor(config, purpose.kind, now) ?? now + LIFETIME_MS[purpose.kind],
    purpose,
  };
  await commit(place, TOKENS.create(TOKENS.key(record.id), record));
  return record;
}

function expiryFor(config: Config, kind: TokenPurpose['kind'], now: number): number | undefined {
  return kind === 'image' ? undefined : expiryOf(config[TOKEN_EXPIRY[kind]], now);
}

/** The token with this secret, unless it is used, revoked or too old. @throws AppError `forbidden`. */
export function findToken<K extends TokenPurpose['kind']>(
  place: Pick<Place, 'view' | 'clock'>,
  kind: K,
  secret: string,
): Stored<TokenRecord> & { readonly value: { readonly purpose: Extract<TokenPurpose, { kind: K }> } } {
  const found = place.view
    .list(TOKENS)
    .find(({ value }) => value.purpose.kind === kind && isSame(value.secret, secret));
  if (found === undefined || found.value.expiresAt <= place.clock.now())
    fail('forbidden', 'not authorized: the token is unknown, used, revoked or expired');
  return found as ReturnType<typeof findToken<K>>;
}

/** What makes a token used, to be committed together with what it allows: of two bearers exactly one wins. */
export function useToken(token: Stored<TokenRecord>): Transaction {
  return TOKENS.remove(token);
}

export const TOKEN_USED = () => new AppError('forbidden', 'not authorized: the token was used meanwhile');

export async function revokeToken(place: Place, token: Stored<TokenRecord>): Promise<void> {
  await commit(place, TOKENS.remove(token));
}

/** Through a hash, so that neither the content nor the length shows in the time it takes. */
function isSame(a: string, b: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(a), digest(b));
}

/**
 * One-time permissions to open a stream on this host. What a stream is for (its kind and parameters) is said when the
 * token is issued and comes from the token afterwards: who opens the stream can choose neither.
 */
import { randomBytes } from 'node:crypto';
import { fail } from '../../domain/errors.ts';
import type { Clock } from '../../kit/clock.ts';

export type Params = Readonly<Record<string, string>>;

export interface Tokens {
  /** @param ttlMs from now until the stream is opened; how long it then stays open is not limited by it */
  issue(kind: string, params: Params, ttlMs: number): string;
  /** Uses the token up. Throws `forbidden` if it is unknown, used, expired or for another kind. */
  redeem(token: string, kind: string): Params;
}

export function createTokens(clock: Pick<Clock, 'now'>): Tokens {
  const issued = new Map<string, { readonly kind: string; readonly params: Params; readonly expiresAt: number }>();

  const forgetExpired = () => {
    const now = clock.now();
    for (const [token, { expiresAt }] of issued) if (expiresAt <= now) issued.delete(token);
  };

  return {
    issue(kind, params, ttlMs) {
      forgetExpired();
      const token = randomBytes(24).toString('base64url');
      issued.set(token, { kind, params, expiresAt: clock.now() + ttlMs });
      return token;
    },
    redeem(token, kind) {
      forgetExpired();
      const permission = issued.get(token);
      issued.delete(token);
      if (permission?.kind !== kind)
        fail('forbidden', `The ${kind} token is unknown, used or expired: ask for a new one`);
      return permission!.params;
    },
  };
}

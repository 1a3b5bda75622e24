/** ETags: a hash of what a client may change, so that a PUT of something that changed meanwhile is refused. */
import { createHash } from 'node:crypto';
import { fail } from '../../domain/errors.ts';

/** Two values that are JSON-equal up to the order of keys have the same ETag. */
export function etagOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}

/** @throws AppError `conflict` if the client read another state than the present one. No header: no check. */
export function checkEtag(ifMatch: string | undefined, present: unknown): void {
  if (ifMatch === undefined || ifMatch.trim() === '' || ifMatch.trim() === '*') return;
  const wanted = ifMatch.trim().replace(/^W\//, '').replace(/^"|"$/g, '');
  const etag = etagOf(present);
  if (wanted !== etag)
    fail(
      'conflict',
      `Precondition failed: ETag doesn't match: ${wanted} vs ${etag}; read it again and repeat the change`,
    );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** The text form of a token: base64 of JSON with where to go, whom to trust there, and the secret. */

/** The secret in a token's text; undefined if it is no token (then it is a password). */
export function secretOf(text: string): string | undefined {
  try {
    const token = JSON.parse(Buffer.from(text, 'base64').toString('utf8')) as { secret?: unknown };
    return typeof token === 'object' && token !== null && typeof token.secret === 'string' ? token.secret : undefined;
  } catch {
    return undefined;
  }
}

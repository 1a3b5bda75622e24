/** The LXD edge of the error taxonomy. Clients look at the number in the body and at a few words of the text. */
import type { AppError, Code } from '../../domain/errors.ts';

export const HTTP_STATUS = {
  invalid: 400,
  unauthenticated: 403, // LXD knows no 401
  forbidden: 403,
  'not-found': 404,
  exists: 409,
  busy: 409,
  conflict: 412,
  exhausted: 507,
  unsupported: 501,
  unavailable: 503,
  deadline: 504,
  cancelled: 499,
  internal: 500,
} as const satisfies Record<Code, number>;

/** Words that clients match, case-insensitively, whatever else the text says. */
const EXPECTED_WORDS: Partial<Record<Code, string>> = {
  'not-found': 'not found',
  exists: 'already',
  unauthenticated: 'not authorized',
  forbidden: 'not authorized',
};

export function errorText(error: AppError): string {
  const words = EXPECTED_WORDS[error.code];
  if (words === undefined || error.message.toLowerCase().includes(words)) return error.message;
  return `${words}: ${error.message}`;
}

import { AppError, type Code } from '../../domain/errors.ts';
import type { Operation } from './operation.ts';

/**
 * The envelope around every JSON answer of the API, and the only place where `unknown` from the wire gets a type. What
 * lies in `metadata` is the server's promise: callers name the type, and treat every field as possibly missing.
 */
export type Answer =
  | { readonly kind: 'sync'; readonly metadata: unknown; readonly etag: string | undefined }
  | { readonly kind: 'async'; readonly operation: Operation };

/** Throws what the server refused as an AppError that carries the server's own words. */
export function parseAnswer(httpStatus: number, body: string, etag?: string): Answer {
  const envelope = parseJson(body);
  if (envelope === undefined) {
    throw new AppError(
      'internal',
      `the server answered HTTP ${httpStatus} with something that is not JSON: ${clip(body)}`,
    );
  }
  switch (envelope.type) {
    case 'sync':
      return { kind: 'sync', metadata: envelope.metadata, etag };
    case 'async':
      return { kind: 'async', operation: envelope.metadata as Operation };
    case 'error': {
      const status = Number(envelope.error_code) || httpStatus;
      throw new AppError(codeOf(status), String(envelope.error || `the server answered HTTP ${status}`));
    }
    default:
      throw new AppError('internal', `the server answered HTTP ${httpStatus} without an LXD envelope: ${clip(body)}`);
  }
}

/** Our code for an HTTP status, so that callers can tell "not found" from "refused" without reading texts. */
function codeOf(httpStatus: number): Code {
  return CODE_OF[httpStatus] ?? (httpStatus >= 500 ? 'internal' : 'invalid');
}

const CODE_OF: Readonly<Record<number, Code>> = {
  401: 'unauthenticated',
  403: 'forbidden',
  404: 'not-found',
  409: 'exists',
  412: 'conflict',
  423: 'busy',
  501: 'unsupported',
  503: 'unavailable',
  504: 'deadline',
  507: 'exhausted',
};

function parseJson(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function clip(body: string): string {
  const line = body.trim().replace(/\s+/g, ' ');
  return line.length > 120 ? `${line.slice(0, 120)}…` : line || '(empty)';
}

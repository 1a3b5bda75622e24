/**
 * What a failed call to etcd means for the one who made it, from gRPC status and message: pure, the only place that
 * reads etcd's error texts. The question that matters is whether a write may have happened.
 */
import { status } from '@grpc/grpc-js';
import { AppError } from '../domain/errors.ts';

/** A failed call as gRPC tells it. */
export class EtcdError extends Error {
  readonly code: status;
  readonly details: string;

  constructor(code: status, details: string) {
    super(`etcd: ${status[code]} ${details}`);
    this.name = 'EtcdError';
    this.code = code;
    this.details = details;
  }

  static from(thrown: unknown): EtcdError {
    if (thrown instanceof EtcdError) return thrown;
    const { code, details, message } = thrown as { code?: unknown; details?: unknown; message?: unknown };
    return new EtcdError(typeof code === 'number' ? code : status.UNKNOWN, String(details ?? message ?? thrown));
  }
}

export type Failure =
  /** etcd has not acted and never will on this call; another try may work. `token`: after getting a new one. */
  | { readonly kind: 'not-done'; readonly cause: EtcdError; readonly token: boolean }
  /** The call was cut off: it may have happened, or may yet happen. */
  | { readonly kind: 'unknown'; readonly cause: EtcdError }
  /** A refusal that repeating does not change. `perhapsDone`: etcd says so of writes that cross its quota, yet does them. */
  | { readonly kind: 'final'; readonly error: AppError; readonly perhapsDone: boolean };

const final = (error: AppError, perhapsDone = false): Failure => ({ kind: 'final', error, perhapsDone });
const notDone = (cause: EtcdError, token = false): Failure => ({ kind: 'not-done', cause, token });

export function failureOf(error: EtcdError): Failure {
  const { code, details } = error;
  const says = (text: string) => details.includes(text);

  // The call never left: no connection, or it still waited for one.
  if (code === status.UNAVAILABLE && (says('No connection established') || says('Name resolution failed')))
    return notDone(error);
  if (code === status.UNAVAILABLE && says('Channel closed before call started')) return notDone(error);
  if (code === status.DEADLINE_EXCEEDED && says('Waiting for LB pick')) return notDone(error);

  // etcd turned it away at the door. (We ask with `hasleader`, so "no leader" is said before anything is proposed.)
  if (says('etcdserver: no leader') || says('etcdserver: too many requests')) return notDone(error);
  if (says('invalid auth token') || says('revision of auth store is old')) return notDone(error, true);

  if (says('database space exceeded'))
    return final(
      new AppError('exhausted', 'the store (etcd) has used up its space quota; compact, defragment, disarm', error),
      true,
    );
  if (says('request is too large') || says('received message larger than max'))
    return final(new AppError('exhausted', 'the change is larger than etcd accepts', error));
  if (says('requested lease not found')) return final(new AppError('not-found', 'the lease is gone', error));
  switch (code) {
    case status.INVALID_ARGUMENT:
    case status.PERMISSION_DENIED:
    case status.UNAUTHENTICATED:
    case status.FAILED_PRECONDITION:
    case status.NOT_FOUND:
    case status.OUT_OF_RANGE:
    case status.UNIMPLEMENTED:
      return final(new AppError('internal', `etcd refuses: ${details}`, error));
    default:
      return { kind: 'unknown', cause: error };
  }
}

/** History or the revision asked for has been compacted away. */
export function isCompacted(error: unknown): boolean {
  const { cause } = error instanceof AppError ? error : {};
  return cause instanceof EtcdError && cause.details.includes('required revision has been compacted');
}

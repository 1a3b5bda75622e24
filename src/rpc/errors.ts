/** The gRPC edge of the error taxonomy: one total table; the exact code travels in metadata, for gRPC has fewer. */
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { AppError, CODES, type Code } from '../domain/errors.ts';

const STATUS = {
  invalid: status.INVALID_ARGUMENT,
  unauthenticated: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  'not-found': status.NOT_FOUND,
  exists: status.ALREADY_EXISTS,
  busy: status.ABORTED,
  conflict: status.FAILED_PRECONDITION,
  exhausted: status.RESOURCE_EXHAUSTED,
  unsupported: status.UNIMPLEMENTED,
  unavailable: status.UNAVAILABLE,
  deadline: status.DEADLINE_EXCEEDED,
  cancelled: status.CANCELLED,
  internal: status.INTERNAL,
} as const satisfies Record<Code, status>;

const CODE_KEY = 'berth-code';
const MESSAGE_KEY = 'berth-message-bin';

/** What a server sends for a throw. The message travels as bytes: gRPC's own detail must be ASCII and short. */
export function toServiceError(thrown: unknown): Partial<ServiceError> {
  const error = AppError.from(thrown);
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  metadata.set(MESSAGE_KEY, Buffer.from(error.message.slice(0, 4000), 'utf8'));
  return { code: STATUS[error.code], details: error.code, metadata };
}

/** What a caller throws for a failed call; `who` names the other side in messages of the transport's own making. */
export function fromServiceError(thrown: unknown, who: string): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = thrown as Partial<ServiceError>;
  const code = error.metadata?.get(CODE_KEY)[0];
  const message = error.metadata?.get(MESSAGE_KEY)[0];
  if (typeof code === 'string' && isCode(code)) {
    return new AppError(code, message === undefined ? code : message.toString('utf8'), thrown);
  }
  switch (error.code) {
    case status.UNAVAILABLE:
      return new AppError('unavailable', `${who} cannot be reached`, thrown);
    case status.DEADLINE_EXCEEDED:
      return new AppError('deadline', `${who} did not answer in time`, thrown);
    case status.CANCELLED:
      return new AppError('cancelled', `the call to ${who} was cancelled`, thrown);
    case status.UNAUTHENTICATED:
      return new AppError('unauthenticated', `${who} does not know this certificate`, thrown);
    default:
      return new AppError('internal', `${who}: ${error.details ?? error.message ?? String(thrown)}`, thrown);
  }
}

function isCode(text: string): text is Code {
  return (CODES as readonly string[]).includes(text);
}

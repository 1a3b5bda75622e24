/**
 * The one error taxonomy of the whole system. A code exists only where a program behaves differently on it;
 * whether a failed call may be repeated is a property of the code. Each edge (LXD REST, gRPC) has one total table
 * from these codes to its own: `controller/lxd/errors.ts`, `rpc/errors.ts`.
 */
export const CODES = [
  'invalid', // the request is wrong; names the field
  'unauthenticated',
  'forbidden',
  'not-found',
  'exists', // a name is taken
  'busy', // another operation holds the thing; try again when it ends
  'conflict', // it changed since it was read (ETag, generation, revision)
  'exhausted', // no room: disk, memory, addresses, no node fits
  'unsupported', // this host, kernel or driver cannot do it
  'unavailable', // a part is away for now: etcd, a node
  'deadline', // it took longer than allowed; the outcome is unknown
  'cancelled',
  'internal', // a bug of ours
] as const;

export type Code = (typeof CODES)[number];

/** May the same call succeed if simply repeated a little later? */
export const RETRYABLE = {
  invalid: false,
  unauthenticated: false,
  forbidden: false,
  'not-found': false,
  exists: false,
  busy: true,
  conflict: false,
  exhausted: false,
  unsupported: false,
  unavailable: true,
  deadline: true,
  cancelled: false,
  internal: false,
} as const satisfies Record<Code, boolean>;

/** `message` is for the user and says what to do; `cause` is for the log and may hold anything. */
export class AppError extends Error {
  readonly code: Code;

  constructor(code: Code, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'AppError';
    this.code = code;
  }

  /** The only door from an unknown throw: anything that is not ours is a bug of ours. */
  static from(thrown: unknown): AppError {
    if (thrown instanceof AppError) return thrown;
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    return new AppError('internal', text, thrown);
  }
}

/** Short for `new AppError(...)`, so that a refusal fits on the line that decides it. */
export function fail(code: Code, message: string, cause?: unknown): never {
  throw new AppError(code, message, cause);
}

/** LXD's status codes, for operations and instances. */
import type { Seen } from '../../domain/instance.ts';

export const STATUS_TEXT = {
  100: 'Operation created',
  101: 'Started',
  102: 'Stopped',
  103: 'Running',
  104: 'Cancelling',
  105: 'Pending',
  106: 'Starting',
  107: 'Stopping',
  108: 'Aborting',
  109: 'Freezing',
  110: 'Frozen',
  111: 'Thawed',
  112: 'Error',
  113: 'Ready',
  200: 'Success',
  400: 'Failure',
  401: 'Cancelled',
} as const;

export type StatusCode = keyof typeof STATUS_TEXT;

/** An instance whose host is away is shown as an error: it neither runs nor is stopped as far as anyone can tell. */
export const INSTANCE_STATUS = {
  running: 103,
  stopped: 102,
  frozen: 110,
  error: 112,
  unknown: 112,
} as const satisfies Record<Seen, StatusCode>;

export const isFinal = (code: StatusCode): boolean => code >= 200;

/** LXD's way to say that a time is not set. */
export const NO_TIME = '0001-01-01T00:00:00Z';

export const isoTime = (epochMs: number): string => new Date(epochMs).toISOString();

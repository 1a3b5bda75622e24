/** An exec session as stored: what other controllers and late askers see of it. The process itself is on its host. */
import { keyspace } from '../../store/keyspace.ts';
import type { Json } from '../saga/saga.ts';

/** Key `sessions/<operation id>`; written by the controller that runs it, under that controller's lease. */
export interface SessionRecord {
  /** UUID; also the id of the operation that users see. */
  readonly id: string;
  /** The controller that holds the stream to the agent; sockets that reach another one are passed on to it. */
  readonly owner: string;
  readonly project: string;
  readonly instance: string;
  readonly description: string;
  /** False when nothing is attached (`wait-for-websocket: false`). */
  readonly websocket: boolean;
  /** ms since the epoch. */
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly state: 'pending' | 'running' | 'succeeded' | 'failed' | 'cancelled';
  readonly resources: Readonly<Record<string, readonly string[]>>;
  /** LXD's: fds, command, environment, interactive, and `return` after the end. */
  readonly metadata: Readonly<Record<string, Json>>;
  readonly error?: string;
  /** The node it runs on. */
  readonly location: string;
}

export const SESSIONS = keyspace<SessionRecord, readonly [operation: string]>('sessions');

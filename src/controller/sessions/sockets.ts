/**
 * The websockets of one session: each is joined by a secret of its own, which is good once. A command begins when all
 * that it needs are there; control of a command without terminal is optional, for pylxd never connects it.
 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import type { WebSocket } from 'ws';
import { AppError, fail } from '../../domain/errors.ts';

export type SocketName = '0' | '1' | '2' | 'control';

export interface SessionSockets {
  /** Socket -> secret, for the client. */
  readonly secrets: Readonly<Record<string, string>>;
  /** Resolves when all that are needed are connected; rejects when the session is closed before. */
  readonly complete: Promise<void>;
  get(name: SocketName): WebSocket | undefined;
  /** Told of control whenever it comes, now or later, still paused. */
  onControl(listener: (socket: WebSocket) => void): void;
  /** @throws AppError `forbidden` for a secret that is wrong or was used. */
  join(secret: string, upgrade: () => Promise<WebSocket>): Promise<void>;
  close(): void;
}

export function sessionSockets(interactive: boolean): SessionSockets {
  const names: readonly SocketName[] = interactive ? ['0', 'control'] : ['0', '1', '2', 'control'];
  const needed = names.filter(name => interactive || name !== 'control');
  const secrets = new Map(names.map(name => [name, randomBytes(32).toString('hex')]));
  const unused = new Map(secrets);
  const connected = new Map<SocketName, WebSocket>();
  const complete = Promise.withResolvers<void>();
  complete.promise.catch(() => {}); // whoever waits for it hears it; nobody may be waiting
  let onControl: (socket: WebSocket) => void = () => {};

  return {
    secrets: Object.fromEntries(secrets),
    complete: complete.promise,
    get: name => connected.get(name),
    onControl: listener => {
      onControl = listener;
      const control = connected.get('control');
      if (control !== undefined) listener(control);
    },
    join: async (secret, upgrade) => {
      const name = [...unused].find(([, expected]) => isSame(expected, secret))?.[0];
      if (name === undefined) fail('forbidden', 'not authorized: wrong or used secret');
      unused.delete(name);
      const socket = await upgrade();
      // It stays paused until the command runs, so nothing that comes early is lost.
      connected.set(name, socket);
      if (name === 'control') onControl(socket);
      if (needed.every(each => connected.has(each))) complete.resolve();
    },
    close: () => {
      unused.clear();
      complete.reject(new AppError('cancelled', 'The session was closed'));
      for (const socket of connected.values()) socket.close(1000);
    },
  };
}

function isSame(expected: string, given: string): boolean {
  const [a, b] = [Buffer.from(expected), Buffer.from(given)];
  return a.length === b.length && timingSafeEqual(a, b);
}

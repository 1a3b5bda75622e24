import type { Client } from './client.ts';
import type { Query } from './path.ts';
import { openWebSocket } from './websocket.ts';

/** One event of the API's stream; what `metadata` holds depends on the type. */
export interface ServerEvent {
  readonly type: string;
  readonly timestamp: string;
  readonly metadata: unknown;
  readonly location?: string;
  readonly project?: string;
}

export interface EventStream {
  close(): void;
  /** Resolves when the stream has ended, by either side. */
  readonly ended: Promise<void>;
}

/** Subscribes; `query.type` is a comma list of operation, lifecycle, logging. Resolves once nothing can be missed any more. */
export async function openEvents(
  client: Client,
  query: Query,
  listener: (event: ServerEvent) => void,
): Promise<EventStream> {
  let ended: Promise<void> | undefined;
  const socket = await openWebSocket(client, '/1.0/events', query, opening => {
    opening.on('message', data => listener(JSON.parse(String(data)) as ServerEvent));
    opening.on('error', () => opening.terminate());
    ended = new Promise(resolve => opening.once('close', () => resolve()));
  });
  return { ended: ended!, close: () => socket.close() };
}

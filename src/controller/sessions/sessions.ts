/** Exec sessions of this controller: made by a POST, joined by websockets, bridged to the agent's stream. */
import type { WebSocket } from 'ws';

export interface Sessions {
  /**
   * Joins a websocket to the session by one of its secrets, which is used up by that.
   * @throws AppError `not-found`, or `forbidden` for a wrong secret.
   */
  attach(id: string, secret: string, upgrade: () => Promise<WebSocket>): Promise<void>;
  close(): Promise<void>;
}
export function openSessions(_: unknown): Sessions {
  return { attach: async () => {}, close: async () => {} };
}

/** What a handler says. How it is put on the wire (LXD's envelope, another API's JSON) is decided by `render`. */
import type { Readable } from 'node:stream';

export type Answer =
  /** Done. `etag`: the value that the thing's ETag is made of. */
  | {
      readonly kind: 'sync';
      readonly metadata: unknown;
      readonly status?: 200 | 201;
      readonly etag?: unknown;
      readonly location?: string;
    }
  /** Begun: `operation` is the whole operation object, of which the envelope needs the id. */
  | { readonly kind: 'async'; readonly operation: { readonly id: string } }
  /** Bytes as they are. */
  | {
      readonly kind: 'raw';
      readonly contentType: string;
      readonly body: Readable | Buffer | string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** The connection was made a websocket; nothing is left to say. */
  | { readonly kind: 'upgraded' };

export const sync = (metadata: unknown, etag?: unknown): Answer => ({ kind: 'sync', metadata, etag });

export const DONE: Answer = { kind: 'sync', metadata: {} };

/** A thing was made; `location` is its URL. */
export const created = (location: string): Answer => ({ kind: 'sync', metadata: {}, status: 201, location });

export const started = (operation: { readonly id: string }): Answer => ({ kind: 'async', operation });

export const raw = (contentType: string, body: Readable | Buffer | string): Answer => ({
  kind: 'raw',
  contentType,
  body,
});

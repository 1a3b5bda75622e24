/** A request as handlers see it: no framework, everything decoded, the body still to be read. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Duplex, Readable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { Log } from '../log.ts';
import type { Caller } from './caller.ts';
import { checkEtag } from './etag.ts';

/** More than any honest JSON body of this API. */
const MAX_JSON_BYTES = 4 * 1024 * 1024;

export interface ApiRequest {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** The `:parts` of the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  /** The first value of each. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: IncomingHttpHeaders;
  readonly caller: Caller;
  readonly body: Readable;
  readonly log: Log;
  /** Aborts when the client hung up before it had its answer. */
  readonly signal: AbortSignal;
  /** Makes the connection a websocket, paused: resume it when you listen. @throws AppError `invalid` if the client did not ask for one. */
  upgrade(): Promise<WebSocket>;
  /** Makes the connection one of another protocol, as plain bytes. @throws AppError `invalid` as above */
  takeOver(protocol: string): Promise<Duplex>;
}

/** The body as JSON; undefined for an empty one, `null`, or `""` (clients send these with requests that need none). */
export async function readJson(request: ApiRequest): Promise<unknown> {
  const text = await readText(request, MAX_JSON_BYTES);
  if (text.trim() === '') return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    fail('invalid', `The request body is not JSON: ${(error as Error).message}`);
  }
  return value === null || value === '' ? undefined : value;
}

/** The body as `schema` makes it. @throws AppError `invalid`, naming the field. */
export async function readBody<S extends z.ZodType>(request: ApiRequest, schema: S): Promise<z.infer<S>> {
  return parse(schema, (await readJson(request)) ?? {});
}

export function parse<S extends z.ZodType>(schema: S, value: unknown): z.infer<S> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0]!;
  const field = issue.path.map(String).join('.');
  return fail('invalid', field === '' ? `Invalid request: ${issue.message}` : `Invalid "${field}": ${issue.message}`);
}

/** A PUT or PATCH is of what the client last read, if it says what that was. */
export function matchEtag(request: ApiRequest, present: unknown): void {
  checkEtag(request.headers['if-match'], present);
}

export async function readText(request: ApiRequest, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request.body) {
    bytes += (chunk as Buffer).length;
    if (bytes > maxBytes) fail('invalid', `The request body is larger than ${maxBytes} bytes`);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** `recursion=1` as a number; anything else is 0. */
export function recursion(request: ApiRequest): number {
  return /^[12]$/.test(request.query.recursion ?? '') ? Number(request.query.recursion) : 0;
}

export function isTrue(text: string | undefined): boolean {
  return text === 'true' || text === '1';
}

/**
 * Frames of the data plane: one byte of type, four bytes of length (big endian), payload. `message` and `error` are
 * JSON; `data` is a piece of a body, which `end` completes.
 */
import { AppError, CODES, type Code } from '../../domain/errors.ts';
import type { ByteReader } from './byte-reader.ts';

const TYPES = ['message', 'data', 'end', 'error'] as const;
type Type = (typeof TYPES)[number];

export type Frame =
  | { readonly type: 'message'; readonly message: unknown }
  /** The payload, `bytes` long, is still to be read. */
  | { readonly type: 'data'; readonly bytes: number }
  | { readonly type: 'end' };

const HEAD_BYTES = 5;
/** Messages are small; a larger one is not ours. */
const MESSAGE_LIMIT_BYTES = 1024 * 1024;

export function encodeFrame(type: Type, payload: Buffer = Buffer.alloc(0)): readonly Buffer[] {
  const head = Buffer.allocUnsafe(HEAD_BYTES);
  head.writeUInt8(TYPES.indexOf(type), 0);
  head.writeUInt32BE(payload.length, 1);
  return payload.length === 0 ? [head] : [head, payload];
}

/** Undefined at the end of the stream; throws the error that the other end sent. */
export async function readFrame(reader: ByteReader): Promise<Frame | undefined> {
  const head = await reader.exactly(HEAD_BYTES);
  if (head === undefined) return undefined;
  const type = TYPES[head.readUInt8(0)];
  const bytes = head.readUInt32BE(1);
  if (type === 'data') return { type, bytes };
  if (type === 'end') return { type };
  if (type === undefined || bytes > MESSAGE_LIMIT_BYTES) throw notOurs();

  const payload = await reader.exactly(bytes);
  if (payload === undefined) return undefined;
  const message = parse(payload);
  if (type === 'message') return { type, message };
  throw errorFrom(message);
}

function parse(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    throw notOurs();
  }
}

function errorFrom(message: unknown): AppError {
  const { code, message: text } = message as { code?: unknown; message?: unknown };
  const known = CODES.find((each): each is Code => each === code) ?? 'internal';
  return new AppError(known, typeof text === 'string' ? text : 'The other host failed without saying why');
}

const notOurs = () => new AppError('invalid', 'The other end does not speak the data protocol');

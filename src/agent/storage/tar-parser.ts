/**
 * Reads the headers of a tar stream as it passes: ustar, pax, GNU. Names are latin1 of their bytes, because names in a
 * tar are bytes. Holds at most one header in memory, whatever the archive says of itself.
 */
import { fail } from '../../domain/errors.ts';

export interface TarEntry {
  /** As it is in the archive: maybe absolute, maybe with `..` in it. */
  readonly path: string;
  readonly type: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'device' | 'other';
  /** Stored bytes; a sparse file may be larger on disk. */
  readonly sizeBytes: number;
  /** Of a symlink or link, else ''. */
  readonly target: string;
  /** The pax record `ctime`: seconds with decimals. */
  readonly changedAt: string | undefined;
}

/** Returns what shall get the content, or undefined to skip it. What it throws ends the parsing. */
export type TarVisitor = (entry: TarEntry) => ((content: Buffer) => void) | undefined;

export interface TarParser {
  /**
   * Throws `invalid` if this is not a tar stream, or a damaged one.
   * @returns how much of the chunk is of the archive, without its end mark if that is in it
   */
  push(chunk: Buffer): number;
  /** Throws `invalid` unless the archive is complete. */
  end(): void;
}

const BLOCK_BYTES = 512;
/** Names and attributes of one file; the kernel allows 4 KiB and 64 KiB. */
const RECORDS_LIMIT_BYTES = 1024 * 1024;

const TYPES: Readonly<Record<string, TarEntry['type']>> = {
  '\0': 'file',
  '0': 'file',
  '7': 'file',
  S: 'file',
  '1': 'link',
  '2': 'symlink',
  '3': 'device',
  '4': 'device',
  '5': 'directory',
  '6': 'fifo',
};

/** What headers of type x, L and K say of the entry after them. */
type Records = Map<string, string>;

export function createTarParser(visit: TarVisitor): TarParser {
  let block: Buffer = Buffer.alloc(0);
  let records: Records = new Map();
  /** Bytes of content, and of padding behind it, that are still to come. */
  let content = 0;
  let padding = 0;
  let sink: ((content: Buffer) => void) | undefined;
  let atEnd: () => void = () => {};
  /** A header of an old sparse file goes on in further blocks. */
  let sparseMap = false;
  let ended = false;

  function header(raw: Buffer): void {
    if (sparseMap) {
      sparseMap = raw[504] !== 0;
      return;
    }
    if (raw.every(byte => byte === 0)) {
      ended = true;
      return;
    }
    checkSum(raw);
    const type = String.fromCharCode(raw[156]!);
    content = number(raw.subarray(124, 136));
    if (type === 'x' || type === 'L' || type === 'K' || type === 'g') collectRecords(type);
    else {
      content = records.has('size') ? decimal(records.get('size')!) : content;
      const entry = entryOf(raw, type, records, content);
      if (entry.type === 'link')
        content = 0; // some archivers note the size of the file it links to
      else if (entry.type !== 'file' && content > 0) damaged(`"${entry.path}" is not a file but has content`);
      records = new Map();
      sink = visit(entry);
      atEnd = () => {};
      sparseMap = type === 'S' && raw[482] !== 0;
    }
    padding = (BLOCK_BYTES - (content % BLOCK_BYTES)) % BLOCK_BYTES;
    if (content === 0) atEnd();
  }

  function collectRecords(type: string): void {
    if (content > RECORDS_LIMIT_BYTES) damaged('a header is larger than 1 MiB');
    const parts: Buffer[] = [];
    sink = part => parts.push(Buffer.from(part));
    atEnd = () => {
      const bytes = Buffer.concat(parts);
      if (type === 'x') records = new Map([...records, ...parseRecords(bytes)]);
      else if (type !== 'g') records.set(type === 'L' ? 'path' : 'linkpath', text(bytes));
    };
  }

  return {
    push(chunk) {
      if (ended) return 0;
      for (let at = 0; at < chunk.length; ) {
        if (sparseMap || (content === 0 && padding === 0)) {
          const wanted = BLOCK_BYTES - block.length;
          const part = chunk.subarray(at, at + wanted);
          at += part.length;
          block = block.length === 0 ? part : Buffer.concat([block, part]);
          if (block.length < BLOCK_BYTES) return chunk.length;
          const whole = block;
          block = Buffer.alloc(0);
          header(whole);
          if (ended) return Math.max(0, at - BLOCK_BYTES);
        } else if (content > 0) {
          const part = chunk.subarray(at, at + content);
          at += part.length;
          content -= part.length;
          sink?.(part);
          if (content === 0) atEnd();
        } else {
          const skipped = Math.min(padding, chunk.length - at);
          at += skipped;
          padding -= skipped;
        }
      }
      return chunk.length;
    },
    end() {
      if (!ended) damaged('it ends before its end: it is truncated');
    },
  };
}

function entryOf(raw: Buffer, type: string, records: Records, sizeBytes: number): TarEntry {
  const prefix = raw.toString('latin1', 257, 263) === 'ustar\0' ? text(raw.subarray(345, 500)) : '';
  const short = text(raw.subarray(0, 100));
  const path = records.get('GNU.sparse.name') ?? records.get('path') ?? (prefix === '' ? short : `${prefix}/${short}`);
  const plain = TYPES[type] ?? 'other';
  return {
    path,
    type: plain === 'file' && path.endsWith('/') ? 'directory' : plain,
    sizeBytes,
    target: plain === 'link' || plain === 'symlink' ? (records.get('linkpath') ?? text(raw.subarray(157, 257))) : '',
    changedAt: records.get('ctime'),
  };
}

/** "LENGTH KEY=VALUE\n", where the length counts itself. */
function parseRecords(bytes: Buffer): Records {
  const records: Records = new Map();
  for (let at = 0; at < bytes.length; ) {
    const space = bytes.indexOf(' ', at);
    const length = decimal(bytes.toString('latin1', at, space === -1 ? at : space));
    const record = bytes.toString('latin1', space + 1, at + length - 1);
    const equals = record.indexOf('=');
    if (equals === -1 || length <= space - at || at + length > bytes.length) damaged('a pax header is malformed');
    records.set(record.slice(0, equals), record.slice(equals + 1));
    at += length;
  }
  return records;
}

/** Octal text, or with the highest bit set a big-endian number. */
function number(field: Buffer): number {
  if (field[0]! & 0x80) {
    const value = field.reduce((sum, byte, i) => sum * 256 + (i === 0 ? byte & 0x7f : byte), 0);
    return Number.isSafeInteger(value) ? value : damaged('a file says it is larger than any can be');
  }
  const octal = text(field).trim();
  return /^[0-7]*$/.test(octal) ? Number.parseInt(octal || '0', 8) : damaged('a size is no number');
}

function decimal(digits: string): number {
  const value = /^\d{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  return Number.isSafeInteger(value) ? value : damaged('a number in a pax header is none');
}

/** Up to the first NUL. */
function text(field: Buffer): string {
  const end = field.indexOf(0);
  return field.toString('latin1', 0, end === -1 ? field.length : end);
}

function checkSum(raw: Buffer): void {
  let sum = 8 * 0x20; // the field itself counts as blanks
  for (let i = 0; i < BLOCK_BYTES; i++) if (i < 148 || i >= 156) sum += raw[i]!;
  if (Number.parseInt(text(raw.subarray(148, 156)).trim(), 8) !== sum)
    damaged('it is not a tar archive, or a header is damaged');
}

function damaged(why: string): never {
  return fail('invalid', `The archive cannot be read: ${why}`);
}

/** An SFTP client: requests go out as they are asked, answers find their askers by number. */
import type { Duplex } from 'node:stream';
import { AppError, type Code } from '../../domain/errors.ts';
import { type Attributes, encodeAttributes, readAttributes } from './attributes.ts';
import { KIND, PacketReader, packet, packetsOf, SFTP_VERSION, STATUS, string, u32, u64 } from './packet.ts';

const CHUNK_BYTES = 128 * 1024;
/** Requests on the way at once, when a file is read or written. */
const WINDOW = 8;
/** Silence after which the other end counts as hung. */
const PATIENCE_MS = 60_000;

export interface SftpClient {
  /** Resolves when the session is over, however. */
  readonly closed: Promise<void>;
  lstat(path: string): Promise<Attributes>;
  stat(path: string): Promise<Attributes>;
  setstat(path: string, attributes: Attributes): Promise<void>;
  readlink(path: string): Promise<Buffer>;
  /** Names, without "." and "..". */
  list(path: string): Promise<readonly string[]>;
  mkdir(path: string, mode: number): Promise<void>;
  symlink(target: string, path: string): Promise<void>;
  remove(path: string): Promise<void>;
  rmdir(path: string): Promise<void>;
  /** @param flags of `OPEN` */
  open(path: string, flags: number, mode: number): Promise<RemoteFile>;
  close(): void;
}

export interface RemoteFile {
  fstat(): Promise<Attributes>;
  fsetstat(attributes: Attributes): Promise<void>;
  /** From the beginning to where it ends by then. */
  read(): AsyncGenerator<Buffer>;
  write(body: AsyncIterable<Buffer>): Promise<void>;
  close(): Promise<void>;
}

interface Reply {
  readonly kind: number;
  readonly reader: PacketReader;
}

/** @throws AppError `unavailable` if the other end hangs up */
export async function openSftp(stream: Duplex): Promise<SftpClient> {
  const asked = new Map<number, PromiseWithResolvers<Reply>>();
  const over = Promise.withResolvers<void>();
  const greeted = Promise.withResolvers<void>();
  let next = 0;
  let ended: AppError | undefined;
  let timer: NodeJS.Timeout | undefined;

  const end = (why: unknown) => {
    if (ended !== undefined) return;
    ended = new AppError('unavailable', 'The instance was started, stopped or moved meanwhile: try again', why);
    clearTimeout(timer);
    stream.destroy();
    for (const each of asked.values()) each.reject(ended);
    greeted.reject(ended);
    over.resolve();
  };
  const watch = () => {
    clearTimeout(timer);
    if (asked.size > 0) timer = setTimeout(() => end(new Error('silence')), PATIENCE_MS);
  };
  const listen = async () => {
    for await (const bytes of packetsOf(stream)) {
      const reader = new PacketReader(bytes);
      const kind = reader.byte();
      const id = reader.u32();
      if (kind === KIND.version) greeted.resolve();
      asked.get(id)?.resolve({ kind, reader });
      asked.delete(id);
      watch();
    }
  };
  stream.on('error', end);
  listen().then(() => end(undefined), end);
  stream.write(packet(KIND.init, u32(SFTP_VERSION)));
  greeted.promise.catch(() => {});
  await greeted.promise;

  const ask = async (kind: number, ...fields: readonly Buffer[]): Promise<Reply> => {
    if (ended !== undefined) throw ended;
    next = (next + 1) >>> 0;
    const answer = Promise.withResolvers<Reply>();
    asked.set(next, answer);
    if (asked.size === 1) watch();
    stream.write(packet(kind, u32(next), ...fields));
    const reply = await answer.promise;
    if (reply.kind === KIND.status) {
      const status = reply.reader.u32();
      if (status !== STATUS.ok) throw new SftpFailure(status, reply.reader.string().toString());
    }
    return reply;
  };
  const attributesFrom = async (reply: Promise<Reply>) => readAttributes((await reply).reader);
  const handleFrom = async (reply: Promise<Reply>) => (await reply).reader.string();
  const done = async (reply: Promise<Reply>) => void (await reply);

  const client: SftpClient = {
    closed: over.promise,
    lstat: path => attributesFrom(ask(KIND.lstat, string(path))),
    stat: path => attributesFrom(ask(KIND.stat, string(path))),
    setstat: (path, attributes) => done(ask(KIND.setstat, string(path), encodeAttributes(attributes))),
    async readlink(path) {
      const { reader } = await ask(KIND.readlink, string(path));
      reader.u32();
      return reader.string();
    },
    async list(path) {
      const handle = await handleFrom(ask(KIND.opendir, string(path)));
      try {
        const names: string[] = [];
        for (;;) {
          const reply = await ask(KIND.readdir, string(handle)).catch(unlessEnd);
          if (reply === undefined) return names;
          for (let count = reply.reader.u32(); count > 0; count -= 1) {
            names.push(reply.reader.string().toString());
            reply.reader.string();
            readAttributes(reply.reader);
          }
        }
      } finally {
        await ask(KIND.close, string(handle));
      }
    },
    mkdir: (path, mode) => done(ask(KIND.mkdir, string(path), encodeAttributes({ mode }))),
    symlink: (target, path) => done(ask(KIND.symlink, string(target), string(path))),
    remove: path => done(ask(KIND.remove, string(path))),
    rmdir: path => done(ask(KIND.rmdir, string(path))),
    async open(path, flags, mode) {
      const handle = string(await handleFrom(ask(KIND.open, string(path), u32(flags), encodeAttributes({ mode }))));
      return remoteFile(ask, handle);
    },
    close: () => end(undefined),
  };
  return client;
}

type Ask = (kind: number, ...fields: readonly Buffer[]) => Promise<Reply>;

function remoteFile(ask: Ask, handle: Buffer): RemoteFile {
  const readAt = (offset: number) =>
    ask(KIND.read, handle, u64(BigInt(offset)), u32(CHUNK_BYTES)).then(({ reader }) => reader.string(), unlessEnd);
  return {
    fstat: async () => readAttributes((await ask(KIND.fstat, handle)).reader),
    fsetstat: async attributes => void (await ask(KIND.fsetstat, handle, encodeAttributes(attributes))),
    async *read() {
      const coming: Promise<Buffer | undefined>[] = [];
      for (let offset = 0; ; offset += CHUNK_BYTES) {
        const more = readAt(offset);
        more.catch(() => {}); // met below
        coming.push(more);
        if (coming.length < WINDOW) continue;
        const bytes = await coming.shift();
        if (bytes === undefined) return;
        yield bytes;
        if (bytes.length < CHUNK_BYTES) return; // the end: a server of ours sends all it is asked for
      }
    },
    async write(body) {
      const sent: Promise<Reply>[] = [];
      let offset = 0;
      for await (const chunk of body) {
        for (let at = 0; at < chunk.length; at += CHUNK_BYTES) {
          const part = chunk.subarray(at, at + CHUNK_BYTES);
          const writing = ask(KIND.write, handle, u64(BigInt(offset)), string(part));
          writing.catch(() => {}); // met below
          sent.push(writing);
          offset += part.length;
          if (sent.length >= WINDOW) await sent.shift();
        }
      }
      await Promise.all(sent);
    },
    close: async () => void (await ask(KIND.close, handle)),
  };
}

function unlessEnd(error: unknown): undefined {
  if (error instanceof SftpFailure && error.status === STATUS.eof) return undefined;
  throw error;
}

/** By the name of the error at the beginning of the text; our server always says it. */
const CODES: Readonly<Record<string, Code>> = {
  ENOENT: 'not-found',
  EEXIST: 'exists',
  ENOSPC: 'exhausted',
  EDQUOT: 'exhausted',
  EMFILE: 'busy',
  EIO: 'internal',
};

export class SftpFailure extends AppError {
  readonly status: number;
  /** ENOENT and the like; '' if the other end did not say. */
  readonly errno: string;

  constructor(status: number, text: string) {
    const [, errno = '', what = text] = /^(E[A-Z0-9]+): (.*)$/.exec(text) ?? [];
    super(CODES[errno] ?? 'invalid', what);
    this.status = status;
    this.errno = errno;
  }
}

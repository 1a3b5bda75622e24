/**
 * As much of PostgreSQL's protocol (version 3) as it takes to log in without a password and to send simple queries over one
 * connection: so that a demonstration needs no client library and no psql.
 */
import { type Conversation, converse, type Parser } from './conversation.ts';

export interface PostgresSession {
  /** Of the server process that serves this connection. */
  readonly backend: number;
  /** The rows of all its statements, each value as text. @throws Error with the server's message */
  query(sql: string): Promise<readonly (readonly string[])[]>;
  close(): void;
}

export async function openPostgres(host: string, user: string, port = 5432): Promise<PostgresSession> {
  const conversation = await converse(host, port);
  const parameters = ['user', user, 'database', 'postgres', ''].map(word => `${word}\0`).join('');
  const version = Buffer.from([0, 3, 0, 0]);
  const replies = await exchange(conversation, framed('', Buffer.concat([version, Buffer.from(parameters)])));
  return {
    backend: replies.find(({ kind }) => kind === 'K')?.body.readInt32BE() ?? 0,
    async query(sql) {
      const answers = await exchange(conversation, framed('Q', Buffer.from(`${sql}\0`)));
      return answers.filter(({ kind }) => kind === 'D').map(({ body }) => valuesOf(body));
    },
    close: () => conversation.close(),
  };
}

interface Reply {
  readonly kind: string;
  readonly body: Buffer;
}

/** Everything up to "ready for query". */
async function exchange(conversation: Conversation, message: Buffer): Promise<readonly Reply[]> {
  const replies = await conversation.ask(message, untilReady);
  const error = replies.find(({ kind }) => kind === 'E');
  if (error !== undefined) throw new Error(`PostgreSQL: ${/\0M([^\0]*)/.exec(`\0${error.body.toString()}`)?.[1]}`);
  return replies;
}

const untilReady: Parser<readonly Reply[]> = bytes => {
  const replies: Reply[] = [];
  for (let at = 0; bytes.length >= at + 5; ) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (bytes.length < end) return undefined;
    const kind = String.fromCharCode(bytes[at]!);
    replies.push({ kind, body: bytes.subarray(at + 5, end) });
    at = end;
    if (kind === 'Z' || isRefusal(replies)) return { value: replies, length: at };
  }
  return undefined;
};

/** After a refused login nothing follows; what is wrong with a query comes before "ready". */
const isRefusal = ([first]: readonly Reply[]): boolean =>
  first?.kind === 'E' && /\0VFATAL\0/.test(first.body.toString());

/** A kind (none for the first message), the length of what follows and itself, what follows. */
function framed(kind: string, body: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length + 4);
  return Buffer.concat([Buffer.from(kind), length, body]);
}

/** Of a row: how many, then each with its length; -1 is null. */
function valuesOf(row: Buffer): readonly string[] {
  const values: string[] = [];
  let at = 2;
  for (let left = row.readInt16BE(); left > 0; left -= 1) {
    const length = row.readInt32BE(at);
    values.push(row.toString('utf8', at + 4, at + 4 + Math.max(length, 0)));
    at += 4 + Math.max(length, 0);
  }
  return values;
}

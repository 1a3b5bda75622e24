/**
 * HTTP/1.1 on one connection that is kept, and a large file that is read slowly on a second one the whole time: the
 * buffers between both ends are full when it moves. With `once`, a new connection for each question, as HTTP/1.0 does.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Conversation, converse, type Parser } from '../../../deploy/demo/conversation.ts';
import type { Talk } from './talk.ts';

/** The large file is this line again and again, so that every byte of it can be checked. */
export const LINE = '0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcde\n';
/** A connection that the program has not accepted when it is frozen does not move: it is reset, or its client never told. */
const PATIENCE_MS = 10_000;
const BYTES_EACH = 64 * 1024;
/** About 6 MB/s. */
const PAUSE_MS = 10;

export async function http(host: string, port: number, once: boolean): Promise<Talk> {
  const kept = once ? undefined : await converse(host, port);
  const download = slowly(host, port, once);
  let asked = 0;
  let again = 0;
  return {
    async ask() {
      download.check();
      asked += 1;
      for (;;) {
        const conversation = kept ?? (await converse(host, port));
        const answer = conversation.ask(request('/hello', once), response(1e6));
        const found = await (kept ? answer : Promise.race([answer.catch(() => undefined), sleep(PATIENCE_MS)]));
        if (once) conversation.close();
        if (found?.status === 200 && found.body.toString() === 'hello\n') return;
        if (found) throw new Error(`status ${found.status}: ${found.body}`);
        again += 1;
      }
    },
    async end() {
      kept?.close();
      const unanswered = once ? `; ${again} of ${asked} requests made again` : '';
      return `${Math.round((await download.end()) / 2 ** 20)} MiB downloaded slowly meanwhile${unanswered}`;
    },
  };
}

function request(path: string, once: boolean): string {
  return `GET ${path} HTTP/1.${once ? 0 : 1}\r\nHost: moved\r\n\r\n`;
}

interface Response {
  readonly status: number;
  readonly length: number;
  readonly body: Buffer;
}

/** @param wanted bytes of the body, where it is longer than that */
function response(wanted: number): Parser<Response> {
  return bytes => {
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const head = bytes.toString('latin1', 0, end);
    const length = Number(/^content-length: *(\d+)/im.exec(head)?.[1]);
    const size = Math.min(length, wanted);
    if (bytes.length < end + 4 + size) return undefined;
    const body = Buffer.from(bytes.subarray(end + 4, end + 4 + size));
    return { value: { status: Number(head.split(' ')[1]), length, body }, length: end + 4 + size };
  };
}

/** Downloads the file again and again, checking every byte. */
function slowly(host: string, port: number, once: boolean) {
  let failure: Error | undefined;
  let ending = false;
  let bytes = 0;
  const again = async (): Promise<void> => {
    for (let conversation: Conversation | undefined; !ending; ) {
      conversation ??= await converse(host, port);
      const begun = conversation.ask(request('/big', once), response(0));
      const { length } = (await (once ? begun.catch(() => undefined) : begun)) ?? { length: 0 };
      for (let at = 0; at < length && !ending; ) {
        const piece = await conversation.ask('', exactly(Math.min(BYTES_EACH, length - at)));
        for (let line = 0; line < piece.length; line += LINE.length)
          if (piece.toString('latin1', line, line + LINE.length) !== LINE)
            throw new Error(`wrong at byte ${at + line}`);
        at += piece.length;
        bytes += piece.length;
        // What is not read stays in the kernels' buffers, on both sides.
        conversation.socket.pause();
        await sleep(PAUSE_MS);
        conversation.socket.resume();
      }
      if (once || ending) conversation.close();
      if (once) conversation = undefined;
    }
  };
  const ended = again().catch(error => {
    failure = error;
  });
  const check = () => {
    if (failure !== undefined) throw new Error(`the download: ${failure.message}`);
  };
  return {
    check,
    async end() {
      ending = true;
      await ended;
      check();
      return bytes;
    },
  };
}

const exactly =
  (length: number): Parser<Buffer> =>
  bytes =>
    bytes.length < length ? undefined : { value: Buffer.from(bytes.subarray(0, length)), length };

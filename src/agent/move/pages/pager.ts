/**
 * Brings the rest of the memory to an instance that runs already: stands between CRIU's daemon on this host and the source.
 * A process of its own, because an agent may be restarted meanwhile and the instance must not lose a page by it. The move's
 * folder tells it what to do, and is told how it goes: stages `pages-cut`, `pages-here`, `pages-lost`.
 */
import { existsSync } from 'node:fs';
import type { Socket } from 'node:net';
import { AppError, fail } from '../../../domain/errors.ts';
import { ByteWriter } from '../../../rpc/data/byte-writer.ts';
import { dial } from '../../../rpc/data/dial.ts';
import type { TlsIdentity } from '../../../rpc/identity.ts';
import { awaitFacts } from '../await-facts.ts';
import { type Facts, readFacts } from '../facts.ts';
import { mark, say } from '../folder.ts';
import type { DataToken } from '../ports.ts';
import { holdFaults } from './hold-faults.ts';
import { startLazyDaemon } from './lazy-daemon.ts';
import { type PageCache, pageCache } from './page-cache.ts';
import { openPageDoor } from './page-door.ts';
import { openPageLink, type PageLink } from './page-link.ts';
import { PAGE_BYTES, pageProtocol } from './page-request.ts';
import { PAGES_STREAM, readWay, writeProgress } from './pages-folder.ts';

/** Pushed and not asked for yet: keeps the daemon busy, and bounds what this process holds. */
const CACHE_BYTES = 256 * 2 ** 20;
const TELL_EVERY_MS = 250;
/** So long a process may stand still at new memory after its last page has come. */
const GIVE_BACK_EVERY_MS = 2;
/** A move waits for its controller as long as that takes. */
const FOR_EVER_MS = 2 ** 31 - 1;

export interface PagerOptions {
  readonly folder: string;
  readonly criu: string;
  readonly identity: TlsIdentity;
}

/** Returns when all pages are here, or lost, or the move was called off. The process has to end then. */
export async function runPager({ folder, criu, identity }: PagerOptions): Promise<void> {
  const until = (enough: (facts: Facts) => boolean): Promise<Facts> =>
    awaitFacts(folder, facts => enough(facts) || isOver(folder, facts), { timeoutMs: FOR_EVER_MS, what: 'moving' });

  const door = await openPageDoor();
  await mark(folder, 'pager');
  const ways = waysIn(folder, until);
  const first = await ways();
  if (first === undefined) return;

  const daemon = startLazyDaemon(folder, criu, door.port);
  void daemon.listening.then(() => say(folder, 'pages', 'go')).catch(() => {}); // it was called off
  void until(({ stages }) => stages.has('verdict')).then(() => {
    const pid = daemon.pid();
    if (pid === undefined) return;
    const held = holdFaults(pid); // all of it is given back when this process ends
    setInterval(() => held.giveBack(), GIVE_BACK_EVERY_MS).unref();
  });

  // Until the pivot a source that cannot be reached ends the move; later it is waited for.
  const cutOff = Promise.withResolvers<never>();
  const onCut = async (error: AppError): Promise<void> => {
    process.stderr.write(`cut: ${error.message}\n`);
    const { words } = readFacts(folder);
    if (words.verdict !== 'go') throw error;
    await mark(folder, 'pages-cut', error.message);
  };
  let way: DataToken | undefined = first;
  const link = openPageLink({
    dial: to => dial({ ...to, identity, kind: PAGES_STREAM }),
    async nextWay() {
      const next = way ?? (await ways()) ?? fail('cancelled', 'the move was called off');
      way = undefined;
      return next;
    },
    onCut: error => void onCut(error).catch(cutOff.reject),
  });
  const cache = pageCache(CACHE_BYTES);
  void door.connection.then(socket => answer(socket, cache, link));
  void until(({ stages }) => stages.has('post-resume')).then(() => pull(folder, cache, link));

  const calledOff = until(() => false).then(() => fail('cancelled', 'the move was called off'));
  try {
    const failure = await Promise.race([daemon.ended, calledOff, cutOff.promise]);
    await (failure === undefined ? mark(folder, 'pages-here') : mark(folder, 'pages-lost', failure));
  } catch (thrown) {
    if (existsSync(folder)) await mark(folder, 'pages-lost', AppError.from(thrown).message);
    await daemon.kill();
  }
}

/** Nothing is to be moved any more. */
const isOver = (folder: string, { words }: Facts): boolean =>
  words.images === 'back' || words.verdict === 'back' || !existsSync(folder);

/** Each call waits for a way that was not given before; undefined: there will be none. */
function waysIn(folder: string, until: (enough: (facts: Facts) => boolean) => Promise<Facts>) {
  let given = '';
  return async (): Promise<DataToken | undefined> => {
    for (;;) {
      const way = await readWay(folder);
      if (way !== undefined && way.token !== given) {
        given = way.token;
        return way;
      }
      if (isOver(folder, await until(changed()))) return undefined;
    }
  };
}

/** True from the second look on. */
function changed(): () => boolean {
  let looks = 0;
  return () => looks++ > 0;
}

/** Until the daemon hangs up. Answers must come in the order of the requests. */
async function answer(socket: Socket, cache: PageCache, link: PageLink): Promise<void> {
  const protocol = pageProtocol();
  const writer = new ByteWriter(socket);
  for await (const chunk of socket) {
    for (const request of protocol.take(chunk as Buffer)) {
      if (request.kind === 'close') return void socket.end(Buffer.alloc(4));
      const pages = cache.take(request.range) ?? (await link.fetch(request.range));
      await writer.write(protocol.header(pages), pages.data);
    }
  }
}

async function pull(folder: string, cache: PageCache, link: PageLink): Promise<void> {
  let bytes = 0;
  const tell = () => {
    const progress = { bytes, totalBytes: link.totalPages * PAGE_BYTES };
    void writeProgress(folder, progress).catch(() => {}); // a full tmpfs must not end the pager
  };
  const timer = setInterval(tell, TELL_EVERY_MS);
  await link.pushed(async pages => {
    bytes += pages.data.length;
    await cache.add(pages);
  });
  clearInterval(timer);
  tell();
}

/**
 * The target's connection to the source of the pages. A cut does no harm: whoever waits for a page goes on waiting until
 * somebody says where the source is to be reached again, and what was pushed is not pushed twice.
 */
import type { Duplex } from 'node:stream';
import { AppError } from '../../../domain/errors.ts';
import type { Channel } from '../../../rpc/data/channel.ts';
import type { DataToken } from '../ports.ts';
import type { PageRange } from './page-request.ts';
import { type PageStream, type Pages, pageStream } from './page-stream.ts';
import { welcome } from './serve-pages.ts';

export interface PageLinkParts {
  dial(token: DataToken): Promise<Channel>;
  /** Resolves with a way to the source that was not tried yet. Called at the start, and after each cut. */
  nextWay(): Promise<DataToken>;
  /** Somebody has to say how it goes on. */
  onCut(error: AppError): void;
}

export interface PageLink {
  /** How many there are in all, once connected. */
  readonly totalPages: number;
  /** One at a time. */
  fetch(range: PageRange): Promise<Pages>;
  /** All of them, in order, as often cut as may be; resolves after the last. */
  pushed(take: (pages: Pages) => Promise<void>): Promise<void>;
  close(): void;
}

interface Connection {
  readonly answers: PageStream;
  push(skipPages: number): Promise<PageStream>;
}

export function openPageLink({ dial, nextWay, onCut }: PageLinkParts): PageLink {
  const streams = new Set<Duplex>();
  let totalPages = 0;
  let connecting: Promise<Connection> | undefined;
  let live: Connection | undefined;

  async function open(way: DataToken, question: object): Promise<{ stream: PageStream; next: string }> {
    const channel = await dial(way);
    const { message, body } = await channel.ask(question);
    for await (const _ of body);
    const { pages, next } = welcome.parse(message);
    totalPages = pages;
    const stream = channel.detach();
    streams.add(stream);
    return { stream: pageStream(stream), next };
  }

  async function connect(): Promise<Connection> {
    for (;;) {
      const way = await nextWay();
      try {
        const { stream, next } = await open(way, { ask: 'answer' });
        live = {
          answers: stream,
          push: async skipPages => (await open({ ...way, token: next }, { ask: 'push', skipPages })).stream,
        };
        return live;
      } catch (thrown) {
        onCut(AppError.from(thrown));
      }
    }
  }

  const connection = (): Promise<Connection> => (connecting ??= connect());

  /** Both streams share one fate. */
  function cut(broken: Connection, error: unknown): void {
    if (live !== broken) return;
    live = undefined;
    connecting = undefined;
    hangUp();
    onCut(AppError.from(error));
  }

  function hangUp(): void {
    for (const stream of streams) stream.destroy();
    streams.clear();
  }

  /** Does it with a connection, and again with the next one when that one was cut. */
  async function persist<T>(work: (at: Connection) => Promise<T | undefined>): Promise<T> {
    for (;;) {
      const at = await connection();
      try {
        const result = await work(at);
        if (result !== undefined) return result;
        cut(at, new AppError('unavailable', 'the source of the pages hung up'));
      } catch (error) {
        cut(at, error);
      }
    }
  }

  return {
    get totalPages() {
      return totalPages;
    },
    fetch: range =>
      persist(async ({ answers }) => {
        await answers.sendRange(range);
        return answers.nextPages();
      }),
    async pushed(take) {
      let taken = 0;
      await persist(async ({ push }) => {
        const stream = await push(taken);
        for (let pages = await stream.nextPages(); pages; pages = await stream.nextPages()) {
          taken += pages.pages;
          await take(pages);
        }
        return taken >= totalPages || undefined;
      });
    },
    close: hangUp,
  };
}

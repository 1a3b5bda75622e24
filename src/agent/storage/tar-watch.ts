/**
 * Reads along in a tar stream that we make, and notes what really was shipped: tar looks at each file later than the
 * walk that named it, and what it saw then is what the copy holds.
 */
import { once } from 'node:events';
import { extract, type Header } from 'tar-stream';
import { type Entry, plainTime } from './tree-walk.ts';

/** Type and change time of each entry, by path. */
export type Seen = ReadonlyMap<string, Pick<Entry, 'type' | 'changedAt'>>;

const TYPES: Partial<Record<NonNullable<Header['type']>, string>> = {
  directory: 'd',
  symlink: 'l',
  fifo: 'p',
  'character-device': 'c',
  'block-device': 'b',
};

/** Passes the stream on unchanged; `seen` is complete when it has ended. */
export async function* watchTar(stream: AsyncIterable<Buffer>, seen: Map<string, Pick<Entry, 'type' | 'changedAt'>>) {
  const parser = extract({ filenameEncoding: 'latin1' } as never);
  parser.on('entry', (header, content, next) => {
    const changedAt = paxOf(header).ctime;
    seen.set(pathOf(header), {
      type: TYPES[header.type ?? 'file'] ?? 'f',
      changedAt: changedAt === undefined ? '' : plainTime(changedAt),
    });
    content.on('end', next);
    content.resume();
  });
  for await (const chunk of stream) {
    if (!parser.write(chunk)) await once(parser, 'drain');
    yield chunk;
  }
  const finished = once(parser, 'finish');
  parser.end(null);
  await finished;
}

function pathOf(header: Header): string {
  const pax = paxOf(header);
  const extended = pax['GNU.sparse.name'] ?? pax.path;
  const path = extended === undefined ? header.name : Buffer.from(extended).toString('latin1');
  return path.replace(/\/$/, '') || '.';
}

const paxOf = (header: Header): Partial<Record<string, string>> => header.pax ?? {};

/**
 * Reads along in a tar stream that we make, and notes what really was shipped: tar looks at each file later than the
 * walk that named it, and what it saw then is what the copy holds.
 */
import { createTarParser, type TarEntry } from './tar-parser.ts';
import { plainTime } from './tree-walk.ts';

/** What tar says of a path; `changedAt` is '' where it does not say. */
export interface Shipped {
  readonly isFolder: boolean;
  readonly changedAt: string;
}

/** Passes the stream on unchanged; `seen` is complete when it has ended. */
export async function* watchTar(stream: AsyncIterable<Buffer>, seen: Map<string, Shipped>) {
  const parser = createTarParser((entry: TarEntry) => {
    const changedAt = entry.changedAt === undefined ? '' : plainTime(entry.changedAt);
    seen.set(entry.path.replace(/\/$/, '') || '.', { isFolder: entry.type === 'directory', changedAt });
    return undefined;
  });
  for await (const chunk of stream) {
    parser.push(chunk);
    yield chunk;
  }
  parser.end();
}

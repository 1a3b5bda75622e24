/**
 * An image of an image store or of another server of the LXD API. All that goes out of the cluster is asked by a host, which
 * checks what it gets against what was announced; the controller needs no way out.
 */

import { drain } from '../instances/progress.ts';
import { homeOf } from '../projects/project-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { IMAGES } from '../spaces.ts';
import { type ImportInfo, type ImportInput, importing } from './import-image.ts';

export type FetchInput = ImportInput & {
  readonly store: {
    readonly protocol: string;
    readonly server: string;
    /** PEM; '' = the authorities of the host judge. */
    readonly certificate: string;
    readonly secret: string;
    readonly project: string;
  };
  /** Alias or fingerprint. */
  readonly name: string;
  /** What a plain alias means. */
  readonly architecture: string;
};

type Found = {
  readonly fingerprint: string;
  readonly sizeBytes: number;
  readonly filename: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly files: readonly {
    readonly part: string;
    readonly url: string;
    readonly sha256: string;
    readonly sizeBytes: number;
  }[];
  /** The cluster has it: nothing is fetched. */
  readonly known: boolean;
};

interface Given {
  readonly input: FetchInput;
}
interface Searched extends Given {
  readonly find: Found;
}
interface Finished extends Searched {
  readonly finish: ImportInfo | null;
}

/** For sagas of which this is a part. */
export const fetching = { find, download, discard, finish, removeUnlessKnown, publish };

export const fetchImage = saga<FetchInput>('fetch-image', 1)
  .harmless('find', find)
  .undoable('download', download, discard)
  .undoable('finish', finish, discard)
  .undoable('keep', async () => {}, removeUnlessKnown)
  .pivot('publish', publish)
  .forward('tidy', discard)
  .end();

async function find(context: StepContext, { input }: Given): Promise<Found> {
  const { store, name, architecture } = input;
  const found = await context.agents.of(input.node).findStoreImage({ store, name, architecture });
  const { fingerprint, filename, properties, files } = found;
  context.progress({ fingerprint });
  const known = context.view.get(IMAGES.key(homeOf(context.view, context.project, 'images'), fingerprint));
  return {
    fingerprint,
    filename,
    properties: { ...properties },
    sizeBytes: Number(found.sizeBytes),
    files: files.map(({ part, url, sha256, sizeBytes }) => ({ part, url, sha256, sizeBytes: Number(sizeBytes) })),
    known: known !== undefined,
  };
}

async function download(context: StepContext, { input, find }: Searched): Promise<void> {
  if (find.known) return;
  const image = {
    fingerprint: find.fingerprint,
    sizeBytes: BigInt(find.sizeBytes),
    files: find.files.map(file => ({ ...file, sizeBytes: BigInt(file.sizeBytes) })),
  };
  const request = { upload: input.upload, store: input.store, image };
  await drain(context, 'download_progress', context.agents.of(input.node).downloadImage(request));
}

async function finish(context: StepContext, { input, find }: Searched): Promise<ImportInfo | null> {
  return find.known ? null : importing.finish(context, { input: { ...input, fingerprint: find.fingerprint } });
}

async function removeUnlessKnown(context: StepContext, { input, finish }: Finished): Promise<void> {
  if (finish !== null) await importing.removeUnlessKnown(context, { input, finish });
}

async function publish(context: StepContext, { input, find, finish }: Finished): Promise<void> {
  if (finish === null) return;
  const properties = { ...find.properties, ...input.properties };
  await importing.publish(context, { input: { ...input, properties, filename: find.filename }, finish });
}

async function discard(context: StepContext, { input }: Given): Promise<void> {
  await importing.discard(context, { input });
}

/** An uploaded archive becomes an image: the host that has it checks and unpacks it, then the cluster knows it. */
import { AppError } from '../../domain/errors.ts';
import type { ImageRecord } from '../../domain/image.ts';
import { together } from '../../store/keyspace.ts';
import { commitDecided } from '../decide.ts';
import { homeOf } from '../projects/project-store.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { IMAGE_ALIASES, IMAGES } from '../spaces.ts';

export type ImportInput = {
  /** The upload lies whole on this node. */
  readonly node: string;
  readonly upload: string;
  /** What the sender expects; '' = any. */
  readonly fingerprint: string;
  readonly filename: string;
  readonly public: boolean;
  readonly autoUpdate: boolean;
  /** Over those that are in the image. */
  readonly properties: Readonly<Record<string, string>>;
  readonly profiles: readonly string[];
  /** Fetched because an instance was to be made of it, not because somebody wanted to keep it. */
  readonly cached?: boolean;
  readonly aliases: readonly { readonly name: string; readonly description: string }[];
};

/** What its host says of it. */
export type ImportInfo = {
  readonly fingerprint: string;
  readonly sizeBytes: number;
  readonly architecture: string;
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly properties: Readonly<Record<string, string>>;
  readonly split: boolean;
  readonly uploadedAt: string;
};

interface Given {
  readonly input: ImportInput;
}

interface Finished extends Given {
  readonly finish: ImportInfo;
}

/** For sagas of which this is a part. */
export const importing = { finish, discard, removeUnlessKnown, publish };

export const importImage = saga<ImportInput>('import-image', 1)
  .undoable('finish', finish, discard)
  .undoable('keep', async () => {}, removeUnlessKnown) // from here on its fingerprint is known, and so what to remove
  .pivot('publish', publish)
  .forward('tidy', discard) // what is left of the upload itself
  .end();

/** Unpacking a large archive on a slow disk. */
const FINISH_TIMEOUT_MS = 1_800_000;

async function finish(context: StepContext, { input }: Given): Promise<ImportInfo> {
  const { node, upload, fingerprint } = input;
  const request = { upload, expectedFingerprint: fingerprint };
  const info = await context.agents.of(node).finishUpload(request, { timeoutMs: FINISH_TIMEOUT_MS });
  context.progress({ fingerprint: info.fingerprint, size: String(info.sizeBytes) });
  return {
    fingerprint: info.fingerprint,
    sizeBytes: Number(info.sizeBytes),
    architecture: info.architecture,
    createdAt: isoOrUnset(info.createdAt),
    expiresAt: isoOrUnset(info.expiresAt),
    properties: { ...info.properties },
    split: info.split,
    uploadedAt: new Date(context.clock.now()).toISOString(),
  };
}

async function discard(context: StepContext, { input }: Given): Promise<void> {
  await context.agents.of(input.node).finishUpload({ upload: input.upload, discard: true });
}

/** Someone else may have imported the same image meanwhile, even from the same host. */
async function removeUnlessKnown(context: StepContext, { input, finish }: Finished): Promise<void> {
  const { fingerprint } = finish;
  const known = context.view.list(IMAGES).some(({ value }) => {
    return value.fingerprint === fingerprint && value.nodes.includes(input.node);
  });
  if (!known) await context.agents.of(input.node).ensureNoImage({ fingerprint });
}

async function publish(context: StepContext, { input, finish }: Finished): Promise<void> {
  const { view } = context;
  const project = homeOf(view, context.project, 'images');
  const { fingerprint } = finish;
  await commitDecided(context, () => {
    const key = IMAGES.key(project, fingerprint);
    const known = view.get(key)?.value;
    if (known?.uploadedAt === finish.uploadedAt && known.nodes[0] === input.node) return undefined; // it was this one
    if (known !== undefined) throw new AppError('exists', 'Image with same fingerprint already exists');
    const aliases = input.aliases.map(({ name, description }) => {
      const alias = IMAGE_ALIASES.key(project, name);
      if (view.get(alias) !== undefined) throw new AppError('exists', `Alias "${name}" already exists`);
      return IMAGE_ALIASES.create(alias, { name, project, target: fingerprint, description });
    });
    const record: ImageRecord = {
      ...finish,
      project,
      filename: input.filename,
      public: input.public,
      autoUpdate: input.autoUpdate,
      cached: input.cached ?? false,
      properties: { ...finish.properties, ...input.properties },
      profiles: input.profiles,
      lastUsedAt: '',
      nodes: [input.node],
    };
    return together(IMAGES.create(key, record), ...aliases);
  });
}

function isoOrUnset(seconds: bigint): string {
  return seconds === 0n ? '' : new Date(Number(seconds) * 1000).toISOString();
}

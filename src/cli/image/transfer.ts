import { AppError } from '../../domain/errors.ts';
import type { Client } from '../api/client.ts';
import { at } from '../api/path.ts';
import { parseKeyValues } from '../input/key-value.ts';
import { parseReference } from '../remotes/reference.ts';
import { ProgressLine } from '../render/progress.ts';
import type { Session } from '../session.ts';
import type { Image } from './columns.ts';
import { saveImage } from './download.ts';
import { imageFingerprint, imageSource } from './source.ts';
import { imageUpload } from './upload.ts';

/** Images between files and servers, and from server to server. */
export interface ImportOptions {
  readonly alias?: readonly string[];
  readonly public?: boolean;
}

export async function importImage(session: Session, words: readonly string[], options: ImportOptions): Promise<void> {
  const { files, remote, properties } = importArguments(words);
  const { client } = await session.resolve(remote);
  const [first, second] = files;
  const isPublic = options.public === true;
  const operation = first!.startsWith('https://')
    ? await session.perform(client, 'Importing image', () =>
        client.send('POST', at`images`, {
          body: {
            source: { type: 'url', mode: 'pull', url: first },
            public: isPublic,
            properties: parseKeyValues(properties),
          },
        }),
      )
    : await upload(session, client, first!, second, { public: isPublic, properties: parseKeyValues(properties) });
  const fingerprint = String(operation?.metadata?.fingerprint ?? '');
  session.print(`Image imported with fingerprint: ${fingerprint}`);
  await addAliases(client, fingerprint, options.alias ?? []);
}

/** Pure. Files first, then perhaps a remote, then perhaps properties. */
function importArguments(words: readonly string[]): {
  readonly files: readonly string[];
  readonly remote: string;
  readonly properties: readonly string[];
} {
  const properties = words.filter(word => /^[^/=]+=/.test(word));
  const others = words.filter(word => !properties.includes(word));
  const remotes = others.filter(word => word.endsWith(':'));
  const files = others.filter(word => !remotes.includes(word));
  if (files.length === 0 || files.length > 2 || remotes.length > 1)
    throw new AppError('invalid', 'Give one archive, or metadata and root file system, and at most one remote');
  return { files, remote: remotes[0] ?? '', properties };
}

export async function exportImage(session: Session, reference: string, target: string): Promise<void> {
  const { client, name } = await session.resolve(reference);
  const { fingerprint } = await client.get<Image>(at`images/${await imageFingerprint(client, name)}`);
  const line = progress(session, `Exporting ${name}`);
  try {
    await saveImage(await client.download(at`images/${fingerprint}/export`), fingerprint, target);
  } finally {
    line?.close();
  }
  session.print('Image exported successfully!');
}

interface CopyOptions extends ImportOptions {
  readonly copyAliases?: boolean;
  readonly autoUpdate?: boolean;
}

export async function copyImage(session: Session, image: string, to: string, options: CopyOptions): Promise<void> {
  const remotes = await session.remotes();
  const target = parseReference(to.includes(':') ? to : `${to}:`, remotes);
  const from = parseReference(image, remotes);
  if (from.remote === target.remote)
    throw new AppError('invalid', 'The image is there already: source and target are the same server');
  const client = await session.client(target.remote);
  const body = {
    source: await imageSource(session, image, target.remote),
    public: options.public === true,
    auto_update: options.autoUpdate === true,
  };
  const operation = await session.perform(client, `Copying ${image}`, () => client.send('POST', at`images`, { body }));
  session.print('Image copied successfully!');
  const fingerprint = String(operation?.metadata?.fingerprint ?? (body.source.fingerprint as string | undefined) ?? '');
  const aliases = options.copyAliases ? await aliasesOf(session, from.remote, fingerprint) : [];
  await addAliases(client, fingerprint, [...(options.alias ?? []), ...aliases]);
}

async function aliasesOf(session: Session, remote: string, fingerprint: string): Promise<readonly string[]> {
  const image = await (await session.client(remote)).get<Image>(at`images/${fingerprint}`);
  return (image.aliases ?? []).map(alias => alias.name);
}

async function upload(
  session: Session,
  client: Client,
  metadata: string,
  rootfs: string | undefined,
  options: { readonly public: boolean; readonly properties: Readonly<Record<string, string>> },
) {
  const line = progress(session, 'Transferring image');
  const { stream, headers, totalBytes } = await imageUpload(metadata, rootfs, {
    ...options,
    onProgress: bytes => line?.update(`${Math.floor((bytes / Math.max(1, totalBytes)) * 100)}%`),
  });
  return session.perform(client, 'Importing image', async () => {
    try {
      return await client.send('POST', at`images`, { stream, headers });
    } finally {
      line?.close();
    }
  });
}

async function addAliases(client: Client, target: string, names: readonly string[]): Promise<void> {
  for (const name of names) await client.send('POST', at`images/aliases`, { body: { name, target, description: '' } });
}

function progress(session: Session, label: string): ProgressLine | undefined {
  return session.io.stderr.isTTY && !session.flags.quiet ? new ProgressLine(session.io.stderr, label) : undefined;
}

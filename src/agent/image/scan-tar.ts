/**
 * Reads an image's tar once from end to end, before anything of it is unpacked: checks every entry, counts, and picks
 * out the metadata and the templates, which are small.
 */
import { stat } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import { createTarParser } from '../storage/tar-parser.ts';
import { type Packing, tarIn } from './compression.ts';
import { createEntryPolicy } from './entry-policy.ts';
import { createExpansionGuard, guarded, type ImageLimits } from './limits.ts';

export interface TarScan {
  /** Text of metadata.yaml; undefined if there is none. */
  readonly metadata: string | undefined;
  /** By name in `templates/`. */
  readonly templates: Readonly<Record<string, string>>;
  readonly hasRoot: boolean;
  /** Names in the archive begin with './': then so must the patterns for unpacking. */
  readonly dotted: boolean;
  readonly entries: number;
  readonly skipped: number;
  /** Of all files; what they take on disk may be less. */
  readonly unpackedBytes: number;
}

/** metadata.yaml and templates are a few kilobytes; all of them together may not exceed this. */
const TEXT_LIMIT_BYTES = 1024 * 1024;

/** @param rootFolder where the root file system is in this tar: '' (split image) or 'rootfs' (unified) */
export async function scanTar(
  file: string,
  packing: Exclude<Packing, 'squashfs'>,
  rootFolder: '' | 'rootfs',
  limits: ImageLimits,
): Promise<TarScan> {
  const policy = createEntryPolicy(rootFolder, limits.entries);
  const texts = new Map<string, Buffer[]>();
  let textBytes = 0;
  let entries = 0;
  let unpackedBytes = 0;
  let hasRoot = false;
  const spellings = new Set<boolean>();

  const parser = createTarParser(entry => {
    const path = policy.admit(entry);
    entries += 1;
    unpackedBytes += entry.sizeBytes;
    const inRoot = rootFolder === '' || path === rootFolder || path.startsWith(`${rootFolder}/`);
    if (inRoot && path !== '') {
      hasRoot = true;
      spellings.add(entry.path.startsWith('./'));
    }
    if (inRoot || entry.type !== 'file' || !isText(path)) return undefined;
    textBytes += entry.sizeBytes;
    if (textBytes > TEXT_LIMIT_BYTES)
      fail('invalid', 'metadata.yaml and templates of the image are larger than 1 MiB together');
    const parts: Buffer[] = [];
    texts.set(path, parts);
    return part => parts.push(Buffer.from(part));
  });
  const guard = createExpansionGuard(limits, (await stat(file)).size);
  for await (const chunk of guarded(tarIn(file, packing), guard)) parser.push(chunk);
  parser.end();
  if (spellings.size > 1)
    fail(
      'invalid',
      'The image is refused: some of its names begin with "./" and some do not. Build it with one tar command',
    );

  const textOf = (path: string) => Buffer.concat(texts.get(path) ?? []).toString();
  const templates = [...texts.keys()].filter(path => path.startsWith('templates/'));
  return {
    metadata: texts.has('metadata.yaml') ? textOf('metadata.yaml') : undefined,
    templates: Object.fromEntries(templates.map(path => [path.slice('templates/'.length), textOf(path)])),
    hasRoot,
    dotted: spellings.has(true),
    entries,
    skipped: policy.skipped,
    unpackedBytes,
  };
}

const isText = (path: string): boolean => path === 'metadata.yaml' || path.startsWith('templates/');

/** Writes the files that an image makes from templates when an instance is created, copied, renamed or started. */
import { constants } from 'node:fs';
import { chown, mkdir, open } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import type { InstanceMetadata, Trigger } from '../../domain/image-metadata.ts';
import type { Config, Devices } from '../../domain/instance.ts';
import { type IdMap, rootIdOf } from '../storage/id-map.ts';
import { isThere } from '../storage/layout.ts';
import { pathInRoot } from './path-in-root.ts';
import { renderTemplate } from './template/interpret.ts';
import type { ValueMap } from './template/value.ts';

/** What templates may know of the instance. */
export interface TemplateSubject {
  readonly name: string;
  readonly architecture: string;
  readonly privileged: boolean;
  readonly ephemeral: boolean;
  /** Expanded. */
  readonly config: Config;
  readonly devices: Devices;
}

/**
 * Renders every template that this trigger asks for.
 * @param root of an instance that does not run @throws `invalid` naming the template that is wrong
 */
export async function renderTemplates(
  { metadata, templates }: InstanceMetadata,
  trigger: Trigger,
  subject: TemplateSubject,
  root: string,
  idMap: IdMap | undefined,
): Promise<void> {
  for (const [path, template] of Object.entries(metadata.templates)) {
    if (!template.when.includes(trigger)) continue;
    const target = await pathInRoot(root, path);
    if (template.createOnly && (await isThere(target))) continue;
    const context = contextOf(subject, trigger, path, template.properties);
    const text = renderTemplate(template.file, templates[template.file] ?? '', context);
    await write(root, target, text, rootIdOf(idMap)).catch(cause => {
      if (cause instanceof AppError || ['ENOSPC', 'EDQUOT'].includes(cause.code)) throw cause;
      throw new AppError(
        'invalid',
        `Template "${template.file}" of the image cannot be written to ${path}: ${cause.code}`,
        cause,
      );
    });
  }
}

function contextOf(subject: TemplateSubject, trigger: Trigger, path: string, properties: Config): ValueMap {
  const { config } = subject;
  const instance = {
    name: subject.name,
    type: 'container',
    architecture: subject.architecture,
    privileged: String(subject.privileged),
    ephemeral: String(subject.ephemeral),
  };
  return {
    trigger,
    path,
    instance,
    container: instance,
    config,
    devices: subject.devices,
    properties,
    config_get: (key, fallback) => {
      const name = String(key);
      return Object.hasOwn(config, name) ? config[name]!.replace(/[\r\n]+$/, '') : fallback;
    },
  };
}

/** A regular file only, and never through a link: `target` has none in it. */
async function write(root: string, target: string, text: string, rootId: number): Promise<void> {
  await makeFolders(root, dirname(target), rootId);
  const isNew = !(await isThere(target));
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW, O_NONBLOCK } = constants;
  await using file = await open(target, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NONBLOCK, 0o644);
  if (!(await file.stat()).isFile()) throw Object.assign(new Error('not a file'), { code: 'not a file' });
  await file.writeFile(text);
  if (!isNew) return;
  await file.chown(rootId, rootId);
  await file.chmod(0o644);
}

async function makeFolders(root: string, folder: string, rootId: number): Promise<void> {
  let here = root;
  for (const part of relative(root, folder).split('/')) {
    here = join(here, part);
    if (await isThere(here)) continue;
    await mkdir(here, { mode: 0o755 });
    await chown(here, rootId, rootId);
  }
}

/** `POST .../volumes/custom` with an archive: a volume's backup made by Berth or by LXD. */
import { randomUUID } from 'node:crypto';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import { beginImportVolume } from '../../commands/volumes/backups.ts';
import { type Answer, started } from '../../http/answer.ts';
import { type ApiRequest, parse } from '../../http/request.ts';
import { idBaseOf, textsField, timeField } from '../backups/contents.ts';
import type { Lxd } from '../context.ts';
import { textField } from '../fields.ts';
import { chooseNode } from '../images/upload.ts';
import { sagaOperation } from '../operation.ts';
import { requestorOf } from '../requestor.ts';
import { nameOf } from './volumes.ts';

const volume = z.object({ name: textField, description: textField, config: textsField });
const index = z.object({
  name: textField,
  config: z.object({
    volume,
    volume_snapshots: z
      .array(volume.extend({ created_at: timeField, expires_at: timeField }))
      .nullish()
      .transform(value => value ?? []),
  }),
});

/** Reading a large archive from end to end on a slow disk. */
const EXAMINE_TIMEOUT_MS = 1_800_000;

export async function importVolumeBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const node = request.query.target || chooseNode(lxd);
  const agent = lxd.agents.of(node);
  const upload = randomUUID();
  try {
    await lxd.bulk.upload(node, agent, { upload, part: 'meta' }, request.body);
    if (request.signal.aborted) throw request.signal.reason;
    const found = await agent.examineBackup({ upload }, { timeoutMs: EXAMINE_TIMEOUT_MS });
    if (found.kind !== 'volume')
      fail('invalid', 'This is the backup of an instance: import it as one, without "storage volume"');
    const said = parse(index, load(found.index));
    const { description, config } = said.config.volume;
    const wanted = {
      ...nameOf(lxd, request, header(request) || said.config.volume.name || said.name),
      description,
      config: lasting(config),
      node,
    };
    const snapshots = said.config.volume_snapshots.map(each => ({
      ...{ name: each.name.split('/').at(-1)!, description: each.description, config: lasting(each.config) },
      ...{ createdAt: each.created_at, expiresAt: each.expires_at },
    }));
    const bases = said.config.volume_snapshots.map(
      each => [each.name.split('/').at(-1)!, baseOf(each.config)] as const,
    );
    const order = { node, upload, idBase: baseOf(config), snapshotIdBases: Object.fromEntries(bases) };
    return started(sagaOperation(await beginImportVolume(lxd, { wanted, order, snapshots }, requestorOf(request))));
  } catch (error) {
    await agent.finishUpload({ upload, discard: true }).catch(cause => {
      request.log.warn('upload not discarded', { node, upload, cause });
    });
    throw error;
  }
}

/** How LXD had shifted the owners when it wrote the archive. */
const baseOf = (config: Readonly<Record<string, string>>): number =>
  idBaseOf('volatile.idmap.last', config['volatile.idmap.last']);

const lasting = (config: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(config).filter(([key]) => !key.startsWith('volatile.')));

function load(text: string): unknown {
  try {
    return parseYaml(text, { maxAliasCount: 10 });
  } catch (error) {
    return fail('invalid', `The backup's index.yaml is no YAML: ${(error as Error).message.split('\n')[0]}`);
  }
}

function header({ headers }: ApiRequest): string {
  const value = headers['x-lxd-name'];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

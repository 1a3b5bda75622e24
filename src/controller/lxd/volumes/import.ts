/** `POST .../volumes/custom` with an archive: a volume's backup made by Berth or by LXD. */
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { fail } from '../../../domain/errors.ts';
import { beginImportVolume } from '../../commands/volumes/backups.ts';
import { type Answer, started } from '../../http/answer.ts';
import { type ApiRequest, parse } from '../../http/request.ts';
import { idBaseOf, textsField, timeField } from '../backups/contents.ts';
import { receiveBackup, wantedName } from '../backups/receive.ts';
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

export async function importVolumeBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const node = request.query.target || chooseNode(lxd);
  return receiveBackup(lxd, request, node, async (found, upload) => {
    if (found.kind !== 'volume')
      fail('invalid', 'This is the backup of an instance: import it as one, without "storage volume"');
    const said = parse(index, load(found.index));
    const { description, config } = said.config.volume;
    const wanted = {
      ...nameOf(lxd, request, wantedName(request) || said.config.volume.name || said.name),
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
  });
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

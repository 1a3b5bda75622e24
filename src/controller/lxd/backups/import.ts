/**
 * `POST /1.0/instances` with an archive: a backup made by Berth or by LXD. The bytes go on to a node as they come; what the
 * archive says of the instance is checked like any other request before anything is made of it.
 */
import { rootDisk } from '../../../domain/devices.ts';
import { fail } from '../../../domain/errors.ts';
import type { Config, Devices, InstanceRecord } from '../../../domain/instance.ts';
import { beginImportInstance } from '../../commands/backups.ts';
import { type Answer, started } from '../../http/answer.ts';
import type { ApiRequest } from '../../http/request.ts';
import { expanded } from '../../instances/expanded.ts';
import type { NewInstance } from '../../instances/new-instance.ts';
import { IMAGES, INSTANCES } from '../../spaces.ts';
import type { Lxd } from '../context.ts';
import { chooseNode } from '../images/upload.ts';
import { targetOf } from '../instance-create.ts';
import { sagaOperation } from '../operation.ts';
import { projectOf } from '../project.ts';
import { requestorOf } from '../requestor.ts';
import { type Contents, contentsOf, type Described } from './contents.ts';
import { receiveBackup, wantedName } from './receive.ts';

export async function importBackup(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const project = projectOf(request);
  const target = targetOf(request);
  const node = target !== undefined && 'node' in target ? target.node : chooseNode(lxd);
  return receiveBackup(lxd, request, node, async (found, upload) => {
    if (found.kind === 'volume')
      fail('invalid', 'This is the backup of a custom volume: import it with "storage volume import"');
    const contents = contentsOf(found);
    const wanted = wishOf(lxd, request, project, contents);
    const order = { node, upload, idBase: contents.idBase, snapshotIdBases: contents.snapshotIdBases };
    const was = (each: Described) => ({
      architecture: each.architecture,
      description: each.description,
      config: lasting(lxd, each.config),
      devices: each.devices,
      profiles: each.profiles,
      ephemeral: each.ephemeral,
    });
    const snapshots = contents.snapshots.map(each => ({
      ...{ name: each.name, phase: 'ready' as const, stateful: false },
      ...{ createdAt: each.createdAt, expiresAt: each.expiresAt, was: was(each) },
    }));
    return started(sagaOperation(await beginImportInstance(lxd, { wanted, order, snapshots }, requestorOf(request))));
  });
}

function wishOf(lxd: Lxd, request: ApiRequest, project: string, { instance }: Contents): NewInstance {
  const name = wantedName(request) || instance.name;
  const pool = header(request, 'x-lxd-pool');
  // If its image is here, its templates are: the instance gets its new host name.
  const image = instance.config['volatile.base_image'] ?? '';
  const described = { project, config: instance.config, devices: instance.devices, profiles: instance.profiles };
  return {
    project,
    name: name || fail('invalid', 'The backup does not name its instance: give it a name'),
    description: instance.description,
    architecture: instance.architecture,
    config: lasting(lxd, instance.config),
    devices: pool === '' ? instance.devices : withRootOn(pool, instance.devices, expanded(lxd.view, described).devices),
    profiles: instance.profiles,
    ephemeral: instance.ephemeral,
    image: image !== '' && lxd.view.get(IMAGES.key(project, image)) !== undefined ? image : '',
    target: undefined,
  };
}

function withRootOn(pool: string, own: Devices, whole: Devices): Devices {
  const name = rootDisk(whole)?.name ?? 'root';
  return { ...own, [name]: { type: 'disk', path: '/', ...own[name], pool } };
}

/** What another cluster noted of the instance is not true here, but for its image and its cards, if nobody has them here. */
function lasting({ view }: Lxd, config: Config): Config {
  const cards = /^volatile\.[^.]+\.hwaddr$/;
  const ours = (record: InstanceRecord) => Object.entries(record.config).filter(([key]) => cards.test(key));
  const taken = new Set(view.list(INSTANCES).flatMap(({ value }) => ours(value).map(([, mac]) => mac)));
  const kept = Object.entries(config).filter(([key, value]) => {
    if (!key.startsWith('volatile.')) return true;
    return key === 'volatile.base_image' || (cards.test(key) && !taken.has(value));
  });
  return Object.fromEntries(kept);
}

const header = (request: ApiRequest, name: string): string => {
  const value = request.headers[name];
  return (Array.isArray(value) ? value[0] : value) ?? '';
};

/** Storage volumes as LXD shows them: custom ones, their snapshots, and those that instances are. */
import type { InstanceRecord } from '../../../domain/instance.ts';
import type { VolumeRecord, VolumeSnapshotRecord } from '../../../domain/volume.ts';
import { projectUrl } from '../lists.ts';
import { NO_TIME } from '../status.ts';

export function shownVolume(
  { name, config, description, node, project, createdAt }: VolumeRecord,
  users: readonly string[],
) {
  return {
    config,
    description,
    name,
    type: 'custom',
    used_by: users,
    location: node === '' ? 'none' : node,
    content_type: 'filesystem',
    project,
    created_at: createdAt,
  };
}

/** In lists LXD shows a snapshot as a volume `VOLUME/SNAPSHOT`. */
export const listedSnapshot = (volume: VolumeRecord, { name, config, description }: VolumeSnapshotRecord) =>
  shownVolume({ ...volume, name: `${volume.name}/${name}`, config, description }, []);

/** Of an instance: what it is made of is its root disk. */
export function instanceVolume({ name, project, node, description, createdAt }: InstanceRecord) {
  return {
    config: {},
    description,
    name,
    type: 'container',
    used_by: [projectUrl(project, 'instances', name)],
    location: node === '' ? 'none' : node,
    content_type: 'filesystem',
    project,
    created_at: createdAt,
  };
}

export function shownSnapshot(record: VolumeSnapshotRecord) {
  const { name, config, description } = record;
  return { name, config, content_type: 'filesystem', description, ...expiry(record) };
}

const expiry = ({ expiresAt }: VolumeSnapshotRecord) => ({ expires_at: expiresAt || NO_TIME });

/** What their ETags are made of. */
export const writableVolume = ({ config, description }: VolumeRecord) => ({ config, description });
export const writableSnapshot = (record: VolumeSnapshotRecord) => ({
  description: record.description,
  ...expiry(record),
});

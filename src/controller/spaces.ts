/**
 * The stored keys and the type of their records. Each has one writer (a role, not a process; always guarded by revision):
 *
 * | space                            | writer                                                                     |
 * |----------------------------------|----------------------------------------------------------------------------|
 * | instances, addresses             | sagas, under the instance's lock; what the host did by itself: `settle`    |
 * | instance-metadata                | `instances/metadata`; taken away with the instance                         |
 * | snapshots                        | sagas, under the instance's lock                                           |
 * | backups                          | sagas, under the instance's lock                                           |
 * | volumes, volume-snapshots        | sagas, under the volume's lock; `instances/volumes`: who uses it first     |
 * | allocations                      | `instances/allocations`, in the transaction that places or removes         |
 * | status, node-status              | the leader's observer, from what agents report                             |
 * | warnings                         | the reconciler `warnings`; acknowledged and deleted by the warnings API    |
 * | cluster-groups                   | the cluster groups API                                                     |
 * | projects                         | the projects API, and the saga that renames one                            |
 * | project-claims                   | `projects/claim`, in the transaction that begins what is claimed for       |
 * | nodes                            | the cluster API: join, edit, evacuate, restore, remove                     |
 * | sagas, locks                     | the saga engine that holds the claim                                       |
 * | images, image-aliases            | the image API and its sagas                                                |
 * | profiles, networks, pools        | the API of each                                                            |
 * | network-forwards                 | the networks API                                                           |
 * | pending-networks                 | the networks API                                                           |
 * | server                           | the server's config API                                                    |
 * | certificates, tokens, secrets    | `trust` and its API                                                        |
 * | sessions, recordings             | the controller that serves the session, under its lease                    |
 * | controllers, leader              | that controller, under its lease                                           |
 *
 * `test/house-rules.test.ts` holds the files to it.
 */
import type { BackupRecord } from '../domain/backup.ts';
import type { ImageAliasRecord, ImageRecord } from '../domain/image.ts';
import type { InstanceMetadata } from '../domain/image-metadata.ts';
import type { InstanceRecord, StatusRecord } from '../domain/instance.ts';
import type { AddressRecord, NetworkRecord, PendingNetwork } from '../domain/network.ts';
import type { ForwardRecord } from '../domain/network-forward.ts';
import type { AllocationRecord, NodeRecord, NodeStatusRecord } from '../domain/node.ts';
import type { ProfileRecord } from '../domain/profile.ts';
import type { ProjectRecord } from '../domain/project.ts';
import type { SnapshotRecord } from '../domain/snapshot.ts';
import type { StoragePoolRecord } from '../domain/storage-pool.ts';
import type { VolumeRecord, VolumeSnapshotRecord } from '../domain/volume.ts';
import type { WarningRecord } from '../domain/warning.ts';
import { keyspace } from '../store/keyspace.ts';
import type { SagaRecord } from './saga/saga-record.ts';
import type { ServerConfigRecord } from './server-config.ts';

export const INSTANCES = keyspace<InstanceRecord, readonly [project: string, name: string]>('instances');
export const INSTANCE_METADATA = keyspace<InstanceMetadata, readonly [id: string]>('instance-metadata');
export const SNAPSHOTS = keyspace<SnapshotRecord, readonly [instance: string, name: string]>('snapshots');
export const BACKUPS = keyspace<BackupRecord, readonly [instance: string, name: string]>('backups');
export const VOLUMES = keyspace<VolumeRecord, readonly [project: string, pool: string, name: string]>('volumes');
export const VOLUME_SNAPSHOTS = keyspace<VolumeSnapshotRecord, readonly [volume: string, name: string]>(
  'volume-snapshots',
);
export const STATUS = keyspace<StatusRecord, readonly [id: string]>('status');
export const NODES = keyspace<NodeRecord>('nodes');
/** A group that was made by itself; its members carry its name. */
export const CLUSTER_GROUPS = keyspace<{ readonly name: string; readonly description: string }>('cluster-groups');
export const NODE_STATUS = keyspace<NodeStatusRecord>('node-status');
export const ALLOCATIONS = keyspace<AllocationRecord>('allocations');
export const ADDRESSES = keyspace<AddressRecord, readonly [network: string, address: string]>('addresses');
export const WARNINGS = keyspace<WarningRecord>('warnings');
export const SAGAS = keyspace<SagaRecord, readonly [operation: string]>('sagas');
export const IMAGES = keyspace<ImageRecord, readonly [project: string, fingerprint: string]>('images');
export const IMAGE_ALIASES = keyspace<ImageAliasRecord, readonly [project: string, name: string]>('image-aliases');
export const PROFILES = keyspace<ProfileRecord, readonly [project: string, name: string]>('profiles');
export const PROJECTS = keyspace<ProjectRecord>('projects');
/** Counts what came into a project: see `projects/claim.ts`. */
export const PROJECT_CLAIMS = keyspace<{ readonly claims: number }>('project-claims');
export const NETWORKS = keyspace<NetworkRecord>('networks');
export const PENDING_NETWORKS = keyspace<PendingNetwork>('pending-networks');
export const NETWORK_FORWARDS = keyspace<ForwardRecord, readonly [network: string, listen: string]>('network-forwards');
export const POOLS = keyspace<StoragePoolRecord>('pools');
/** Who holds a thing that only one operation at a time may work on. */
export interface LockRecord {
  readonly operation: string;
  readonly description: string;
}

/** A controller that is alive; the key is bound to its lease. */
export interface ControllerRecord {
  readonly name: string;
  /** New with every start of the process, and with every lease. */
  readonly incarnation: string;
  /** `host:port` of its HTTPS server. */
  readonly address: string;
}

export const LOCKS = keyspace<LockRecord, readonly [kind: string, ...path: string[]]>('locks');
export const CONTROLLERS = keyspace<ControllerRecord>('controllers');
export const LEADER = keyspace<Pick<ControllerRecord, 'name' | 'incarnation'>>('leader');
export const SERVER = keyspace<ServerConfigRecord>('server');

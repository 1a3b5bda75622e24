/** The key spaces of `store/keys.ts` with the type of their records. Who writes which is said there. */
import type { ImageAliasRecord, ImageRecord } from '../domain/image.ts';
import type { InstanceRecord, StatusRecord } from '../domain/instance.ts';
import type { AddressRecord, NetworkRecord } from '../domain/network.ts';
import type { AllocationRecord, NodeRecord, NodeStatusRecord } from '../domain/node.ts';
import type { ProfileRecord } from '../domain/profile.ts';
import type { StoragePoolRecord } from '../domain/storage-pool.ts';
import { keyspace } from '../store/keyspace.ts';
import type { SagaRecord } from './saga/saga-record.ts';

export const INSTANCES = keyspace<InstanceRecord, readonly [project: string, name: string]>('instances');
export const STATUS = keyspace<StatusRecord, readonly [id: string]>('status');
export const NODES = keyspace<NodeRecord>('nodes');
export const NODE_STATUS = keyspace<NodeStatusRecord>('node-status');
export const ALLOCATIONS = keyspace<AllocationRecord>('allocations');
export const ADDRESSES = keyspace<AddressRecord, readonly [network: string, address: string]>('addresses');
export const SAGAS = keyspace<SagaRecord, readonly [operation: string]>('sagas');
export const IMAGES = keyspace<ImageRecord, readonly [project: string, fingerprint: string]>('images');
export const IMAGE_ALIASES = keyspace<ImageAliasRecord, readonly [project: string, name: string]>('image-aliases');
export const PROFILES = keyspace<ProfileRecord, readonly [project: string, name: string]>('profiles');
export const NETWORKS = keyspace<NetworkRecord>('networks');
export const POOLS = keyspace<StoragePoolRecord>('pools');

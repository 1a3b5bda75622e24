/** From a request to a record: what a new instance would be, checked in every part. Pure but for the view it reads. */
import { createHash } from 'node:crypto';
import { checkInstanceConfig } from '../../domain/config-keys.ts';
import { checkDevices, rootDisk } from '../../domain/devices.ts';
import { fail } from '../../domain/errors.ts';
import type { Config, Devices, InstanceRecord } from '../../domain/instance.ts';
import { checkInstanceName } from '../../domain/names.ts';
import { mustKeepRestrictions } from '../../domain/project-restrictions.ts';
import { NOTHING } from '../../domain/resources.ts';
import type { View } from '../../store/view.ts';
import type { Target } from '../placing.ts';
import { getProject, homeOf } from '../projects/project-store.ts';
import { IMAGES, NODES, POOLS } from '../spaces.ts';
import { checkVolumes } from '../volumes/use.ts';
import { expanded } from './expanded.ts';
import { instanceNameFrom } from './instance-name.ts';

export interface NewInstance {
  readonly project: string;
  /** '' = make one up. */
  readonly name: string;
  readonly description: string;
  /** '' = the image's, or that of the hosts. */
  readonly architecture: string;
  readonly config: Config;
  readonly devices: Devices;
  /** Undefined = the image's, or `default`. */
  readonly profiles: readonly string[] | undefined;
  readonly ephemeral: boolean;
  /** Full fingerprint; '' = an empty root. */
  readonly image: string;
  readonly target: Target | undefined;
}

/** @param id UUID of the new instance; the made-up name follows from it. @throws AppError `invalid`, `not-found`. */
export function newInstance(view: View, request: NewInstance, id: string, now: number): InstanceRecord {
  const image =
    request.image === ''
      ? undefined
      : view.get(IMAGES.key(homeOf(view, request.project, 'images'), request.image))?.value;
  if (image === undefined && request.image !== '') fail('not-found', `Image not found: ${request.image}`);
  const profiles = request.profiles ?? (image?.profiles.length ? image.profiles : ['default']);
  const described = { project: request.project, config: request.config, devices: request.devices, profiles };
  checkInstanceConfig(request.config);
  checkDevices(request.devices);
  const pool = checkWhole(view, described);
  checkTarget(view, request.target);
  return {
    ...described,
    id,
    name: checkInstanceName(
      request.name === '' ? instanceNameFrom(createHash('sha256').update(id).digest()) : request.name,
    ),
    type: 'container',
    architecture: request.architecture || image?.architecture || view.list(NODES)[0]?.value.architecture || 'x86_64',
    description: request.description,
    config: {
      ...Object.fromEntries(Object.entries(image?.properties ?? {}).map(([key, value]) => [`image.${key}`, value])),
      ...request.config,
      ...(request.image === '' ? {} : { 'volatile.base_image': request.image }),
      'volatile.uuid': id, // LXD's key, and how a person finds the instance on its host
    },
    ephemeral: request.ephemeral,
    createdAt: new Date(now).toISOString(),
    image: request.image,
    pool,
    phase: 'creating',
    node: '',
    generation: 1,
    wanted: 'stopped',
    requests: NOTHING,
  };
}

/**
 * What the instance is together with its profiles must make sense as a whole.
 * @param node where it is; '' = nowhere yet
 * @returns its storage pool.
 */
export function checkWhole(
  view: View,
  described: Pick<InstanceRecord, 'project' | 'config' | 'devices' | 'profiles'>,
  node = '',
): string {
  const whole = expanded(view, described);
  mustKeepRestrictions(getProject(view, described.project), whole);
  checkDevices(whole.devices);
  const root = rootDisk(whole.devices);
  if (root === undefined) {
    fail(
      'invalid',
      'No root device could be found: give the instance or its profile a disk device with path=/ and a pool',
    );
  }
  if (view.get(POOLS.key(root.pool)) === undefined) fail('invalid', `Storage pool "${root.pool}" does not exist`);
  checkVolumes(view, described.project, whole.devices, node);
  return root.pool;
}

/** @throws AppError `invalid` for a host that does not exist: the scheduler's sentence would come too late. */
export function checkTarget(view: View, target: Target | undefined): void {
  if (target === undefined || !('node' in target) || view.get(NODES.key(target.node)) !== undefined) return;
  const names = view.list(NODES).map(({ value }) => value.name);
  fail('invalid', `There is no cluster member "${target.node}" (members: ${names.join(', ') || 'none'})`);
}

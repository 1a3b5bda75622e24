/** Lifecycle events, read off what changed in the store. Pure. */
import type { InstanceRecord, StatusRecord } from '../../domain/instance.ts';
import type { Keyspace } from '../../store/keyspace.ts';
import type { Change, View } from '../../store/view.ts';
import {
  IMAGE_ALIASES,
  IMAGES,
  INSTANCES,
  NETWORKS,
  NODES,
  POOLS,
  PROFILES,
  PROJECTS,
  SNAPSHOTS,
  STATUS,
} from '../spaces.ts';
import { CERTIFICATES } from '../trust/certificates.ts';
import { snapshotLifecycle } from './snapshot-lifecycle.ts';

export interface Lifecycle {
  /** LXD's names: `instance-created`, … */
  readonly action: string;
  /** URL of what it happened to. */
  readonly source: string;
  readonly context: Readonly<Record<string, string>>;
  readonly project: string;
  readonly location: string;
}

/** @param changes of one transaction, for a rename is two of them. */
export function lifecycleOf(changes: readonly Change[], view: View): readonly Lifecycle[] {
  const instances = changes.filter(({ key }) => key.startsWith(INSTANCES.prefix));
  const renames = renamesIn(instances);
  const renamed = new Set(renames.flatMap(({ from, to }) => [from, to]));
  return [
    ...renames.map(({ from, to }) =>
      about(to.after!.value as InstanceRecord, 'instance-renamed', {
        old_name: (from.before!.value as InstanceRecord).name,
      }),
    ),
    ...instances.filter(change => !renamed.has(change)).flatMap(ofInstance),
    ...changes.flatMap(change => {
      if (change.key.startsWith(STATUS.prefix)) return ofStatus(change, view);
      return change.key.startsWith(SNAPSHOTS.prefix) ? snapshotLifecycle(change, changes, view) : ofThing(change);
    }),
  ];
}

/** The same instance gone under one name and come under another. */
function renamesIn(instances: readonly Change[]): readonly { readonly from: Change; readonly to: Change }[] {
  const idOf = (stored: Change['before']) => (stored?.value as InstanceRecord | undefined)?.id;
  return instances
    .filter(({ before, after }) => before !== undefined && after === undefined)
    .flatMap(from => {
      const to = instances.find(({ before, after }) => before === undefined && idOf(after) === idOf(from.before));
      return to === undefined ? [] : [{ from, to }];
    });
}

/** Things that are only made, changed and removed: their space, LXD's noun, and the URL above them. */
// biome-ignore lint/suspicious/noExplicitAny: only prefix and parts of the spaces are used
const THINGS: readonly { space: Keyspace<any, any>; noun: string; url: string }[] = [
  { space: PROFILES, noun: 'profile', url: '/1.0/profiles' },
  { space: IMAGES, noun: 'image', url: '/1.0/images' },
  { space: IMAGE_ALIASES, noun: 'image-alias', url: '/1.0/images/aliases' },
  { space: PROJECTS, noun: 'project', url: '/1.0/projects' },
  { space: NETWORKS, noun: 'network', url: '/1.0/networks' },
  { space: POOLS, noun: 'storage-pool', url: '/1.0/storage-pools' },
  { space: NODES, noun: 'cluster-member', url: '/1.0/cluster/members' },
  { space: CERTIFICATES, noun: 'certificate', url: '/1.0/certificates' },
];

function ofThing({ key, before, after }: Change): readonly Lifecycle[] {
  const thing = THINGS.find(({ space }) => key.startsWith(space.prefix));
  if (thing === undefined) return [];
  const verb = before === undefined ? 'created' : after === undefined ? 'deleted' : 'updated';
  const parts = thing.space.parts(key as never) as readonly string[];
  const name = parts.at(-1)!;
  return [
    {
      action: `${thing.noun}-${verb}`,
      source: `${thing.url}/${encodeURIComponent(name)}`,
      context: {},
      project: parts.length > 1 ? parts[0]! : 'default',
      location: 'none',
    },
  ];
}

function ofInstance({ before, after }: Change): readonly Lifecycle[] {
  const old = before?.value as InstanceRecord | undefined;
  const present = after?.value as InstanceRecord | undefined;
  const wasThere = old !== undefined && old.phase !== 'creating';
  const isThere = present !== undefined && present.phase !== 'creating';
  if (!wasThere && isThere) return [about(present, 'instance-created')];
  if (wasThere && present === undefined) return [about(old, 'instance-deleted')];
  if (!wasThere || !isThere) return [];
  const changes: Lifecycle[] = [];
  if (old.node !== present.node) changes.push(about(present, 'instance-migrated', { old_location: old.node }));
  if (isEdited(old, present)) changes.push(about(present, 'instance-updated'));
  return changes;
}

const EDITABLE = ['config', 'devices', 'profiles', 'description', 'ephemeral'] as const;

function isEdited(old: InstanceRecord, present: InstanceRecord): boolean {
  return EDITABLE.some(field => JSON.stringify(old[field]) !== JSON.stringify(present[field]));
}

const VERB: Readonly<Record<string, string>> = {
  'stopped>running': 'started',
  'error>running': 'started',
  'frozen>running': 'resumed',
  'running>frozen': 'paused',
  'running>stopped': 'stopped',
  'frozen>stopped': 'stopped',
};

function ofStatus({ before, after }: Change, view: View): readonly Lifecycle[] {
  const old = before?.value as StatusRecord | undefined;
  const present = after?.value as StatusRecord | undefined;
  const verb = VERB[`${old?.state ?? 'stopped'}>${present?.state}`];
  if (present === undefined || verb === undefined) return [];
  const instance = view.list(INSTANCES).find(({ value }) => value.id === present.id)?.value;
  return instance === undefined ? [] : [about(instance, `instance-${verb}`)];
}

function about(instance: InstanceRecord, action: string, context: Readonly<Record<string, string>> = {}): Lifecycle {
  return {
    action,
    source: `/1.0/instances/${instance.name}`,
    context,
    project: instance.project,
    location: instance.node === '' ? 'none' : instance.node,
  };
}

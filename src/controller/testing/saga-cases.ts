/** One case or more for every saga: a world to begin in, and the wish that begins it. */

import { together } from '../../store/keyspace.ts';
import { beginCreateBackup, beginDeleteBackup, beginImportInstance, beginRenameBackup } from '../commands/backups.ts';
import { beginChangeMany, beginChangeState, STATE_ACTIONS, type StateAction } from '../commands/change-state.ts';
import { beginCopyInstance } from '../commands/copy-instance.ts';
import { beginCreateInstance } from '../commands/create-instance.ts';
import { beginDeleteInstance } from '../commands/delete-instance.ts';
import { beginEvacuateNode, beginRemoveNode, beginRestoreNode } from '../commands/evacuate-node.ts';
import { beginCreateFromStore, beginFetchImage } from '../commands/fetch-image.ts';
import { beginDeleteImage, beginImportImage, beginPublishImage } from '../commands/images.ts';
import { beginMoveInstance } from '../commands/move-instance.ts';
import { beginRenameInstance } from '../commands/rename-instance.ts';
import {
  beginChangeSnapshot,
  beginCreateSnapshot,
  beginDeleteSnapshot,
  beginRestoreSnapshot,
} from '../commands/snapshots.ts';
import { beginUpdateInstance } from '../commands/update-instance.ts';
import { beginBackupVolume, beginImportVolume } from '../commands/volumes/backups.ts';
import {
  beginCreateVolumeSnapshot,
  beginDeleteVolumeSnapshot,
  beginRestoreVolume,
} from '../commands/volumes/snapshots.ts';
import {
  beginChangeVolume,
  beginCopyVolume,
  beginDeleteVolume,
  beginMoveVolume,
  createVolume,
} from '../commands/volumes/volumes.ts';
import { getInstance } from '../instances/instance-store.ts';
import { isLost } from '../saga/live-agents.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { forgetInstance } from '../sagas/forget-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { renameProject } from '../sagas/rename-project.ts';
import { sweepInstance } from '../sagas/sweep-instance.ts';
import { INSTANCES, PROFILES, PROJECTS, SERVER } from '../spaces.ts';
import { getVolume } from '../volumes/store.ts';
import { IMAGE, type TestCluster, type TestController } from './test-cluster.ts';
import { wish } from './wishes.ts';

const NOTHING_WAS = {
  architecture: 'x86_64',
  description: '',
  config: {},
  devices: {},
  profiles: ['default'],
  ephemeral: false,
};

export interface SagaCase {
  readonly name: string;
  readonly saga: string;
  prepare?(cluster: TestCluster, c: TestController): Promise<void>;
  begin(c: TestController): Promise<SagaRecord>;
  /** What is compared after a failure; without it everything must be as before. */
  readonly restored?: 'all but what runs' | 'all but images' | 'admission only';
  /** The world is not as it should be to begin with. */
  readonly amiss?: boolean;
}

const project = 'default';
const c1 = { project, name: 'c1' };

const act = (c: TestController, action: StateAction, name = 'c1', force = true) =>
  beginChangeState(c, { project, name, action, force, timeoutSeconds: 1 });

async function done(cluster: TestCluster, begun: Promise<SagaRecord>): Promise<void> {
  const { state, saga, error } = await cluster.ended(await begun);
  if (state !== 'succeeded') throw new Error(`preparation: ${saga} ${state}: ${error?.message}`);
}

const stopped = async (cluster: TestCluster, c: TestController) => {
  await done(cluster, beginCreateInstance(c, wish('c1', { target: { node: 'n1' } })));
};
const running = async (cluster: TestCluster, c: TestController) => {
  await stopped(cluster, c);
  await done(cluster, act(c, 'start'));
};
const frozen = async (cluster: TestCluster, c: TestController) => {
  await running(cluster, c);
  await done(cluster, act(c, 'freeze'));
};
const two = async (cluster: TestCluster, c: TestController) => {
  await running(cluster, c);
  await done(cluster, beginCreateInstance(c, wish('c2', { target: { node: 'n1' } })));
};
const evacuated = async (cluster: TestCluster, c: TestController) => {
  await two(cluster, c);
  await done(cluster, beginEvacuateNode(c, { node: 'n1' }));
};

/** With what only it had. */
const lostHost = async (cluster: TestCluster, c: TestController) => {
  await usedVolume(cluster, c);
  await c.store.commit(SERVER.create(SERVER.key('config'), { config: { 'cluster.offline_threshold': '1' } }));
  const host = cluster.world.host('n1');
  host.setDown(true);
  for (const things of [host.instances, host.volumes, host.images]) things.clear(); // it burned
  await cluster.until('n1 is held for lost', () => isLost(c.view, 'n1'));
};

const v1 = { project, pool: 'default', name: 'v1' };
const vs1 = { ...v1, snapshot: 's1' };
const newVolume = (name: string, node: string) => ({ ...v1, name, node, config: {}, description: '' });
const DATA = { data: { type: 'disk', pool: 'default', source: 'v1', path: '/data' } };
const madeVolume = async ({ world }: TestCluster, c: TestController) => {
  await createVolume(c, newVolume('v1', 'n1'));
  world.host('n1').volumes.set(getVolume(c.view, v1).value.id, new Set());
};
/** It lies on n1, because an instance used it there, and has a snapshot. */
const usedVolume = async (cluster: TestCluster, c: TestController) => {
  await createVolume(c, newVolume('v1', ''));
  await done(cluster, beginCreateInstance(c, wish('c1', { target: { node: 'n1' }, devices: DATA })));
  await done(cluster, beginCreateVolumeSnapshot(c, { ...vs1, expiresAt: '', description: '' }));
};
const freeVolume = async (cluster: TestCluster, c: TestController) => {
  await usedVolume(cluster, c);
  await done(cluster, beginDeleteInstance(c, c1));
};

const STORE = {
  protocol: 'simplestreams',
  server: 'https://store.example',
  certificate: '',
  secret: '',
  project: '',
  name: 'debian/12',
};

const s1 = { ...c1, snapshot: 's1' };
const stateful = (c: TestController, action: StateAction) =>
  beginChangeState(c, { ...c1, action, force: false, stateful: true, timeoutSeconds: 1 });
/** Was started behind our back, for starts are what is tested. */
const saved = async (cluster: TestCluster, c: TestController) => {
  await stopped(cluster, c);
  const record = () => cluster.view.get(INSTANCES.key(project, 'c1'))!.value;
  cluster.world.host('n1').set(record().id, { state: 'running' });
  await cluster.until('it is wanted to run', () => record().wanted === 'running');
  await c.view.reached(cluster.view.revision);
  await done(cluster, stateful(c, 'stop'));
};
/** Something else is on its disk since the snapshot was taken, and in its config. */
const snapshotted = (from: typeof stopped) => async (cluster: TestCluster, c: TestController) => {
  await from(cluster, c);
  await done(cluster, beginCreateSnapshot(c, { ...s1, stateful: from === running }));
  const { value } = c.view.get(INSTANCES.key(project, 'c1'))!;
  cluster.world.host('n1').set(value.id, { content: 'changed since' });
  const config = { ...value.config, 'user.since': 'yes', 'limits.memory': '1GiB' };
  await done(cluster, beginUpdateInstance(c, { ...c1, next: { ...value, config } }));
};

const b1 = { ...c1, backup: 'b1' };
const newBackup = { ...b1, expiresAt: '', instanceOnly: false, compression: 'gzip' } as const;
const backedUp = async (cluster: TestCluster, c: TestController) => {
  await snapshotted(stopped)(cluster, c);
  await done(cluster, beginCreateBackup(c, newBackup));
};

const CHANGES = {
  start: { prepare: stopped },
  stop: { prepare: running, restored: 'all but what runs' },
  restart: { prepare: running, restored: 'all but what runs' },
  freeze: { prepare: running },
  unfreeze: { prepare: frozen },
} as const satisfies Record<StateAction, Pick<SagaCase, 'prepare' | 'restored'>>;

export const SAGA_CASES: readonly SagaCase[] = [
  { name: 'create', saga: 'create-instance', begin: c => beginCreateInstance(c, wish('c1')) },
  {
    name: 'create on a host that lacks the image',
    saga: 'create-instance',
    begin: c => beginCreateInstance(c, wish('c1', { target: { node: 'n2' } })),
  },
  ...STATE_ACTIONS.map(action => ({
    ...CHANGES[action],
    name: action,
    saga: `${action}-instance`,
    begin: (c: TestController) => act(c, action),
  })),
  {
    name: 'stop an ephemeral one',
    saga: 'stop-instance',
    restored: 'all but what runs',
    prepare: async (cluster, c) => {
      await done(cluster, beginCreateInstance(c, wish('c1', { ephemeral: true })));
      await done(cluster, act(c, 'start'));
    },
    begin: c => act(c, 'stop'),
  },
  {
    name: 'stop all',
    saga: 'change-many',
    restored: 'all but what runs',
    prepare: two,
    begin: c => beginChangeMany(c, { project, action: 'stop', force: true, timeoutSeconds: 1 }),
  },
  { name: 'stop with its state', saga: 'stop-stateful', prepare: running, begin: c => stateful(c, 'stop') },
  { name: 'start with its state', saga: 'start-stateful', prepare: saved, begin: c => stateful(c, 'start') },
  {
    name: 'start without the state that was kept',
    saga: 'start-instance',
    restored: 'all but what runs',
    prepare: saved,
    begin: c => act(c, 'start'),
  },
  {
    name: 'snapshot',
    saga: 'create-snapshot',
    prepare: stopped,
    begin: c => beginCreateSnapshot(c, { ...s1, stateful: false }),
  },
  {
    name: 'snapshot with its state',
    saga: 'create-snapshot',
    prepare: running,
    begin: c => beginCreateSnapshot(c, { ...s1, stateful: true }),
  },
  {
    name: 'rename a snapshot',
    saga: 'change-snapshot',
    prepare: snapshotted(stopped),
    begin: c => beginChangeSnapshot(c, { ...s1, newName: 's2' }),
  },
  {
    name: 'delete a snapshot',
    saga: 'delete-snapshot',
    prepare: snapshotted(stopped),
    begin: c => beginDeleteSnapshot(c, s1),
  },
  {
    name: 'restore a snapshot',
    saga: 'restore-snapshot',
    prepare: snapshotted(saved),
    begin: c => beginRestoreSnapshot(c, { ...s1, stateful: false }),
  },
  {
    name: 'restore a snapshot of what runs, with its state',
    saga: 'restore-snapshot',
    prepare: snapshotted(running),
    begin: c => beginRestoreSnapshot(c, { ...s1, stateful: true }),
  },
  {
    name: 'copy with snapshots',
    saga: 'copy-instance',
    prepare: snapshotted(stopped),
    begin: c => beginCopyInstance(c, { ...wish('c2'), source: 'c1', instanceOnly: false }),
  },
  {
    name: 'copy to another host',
    saga: 'copy-elsewhere',
    prepare: snapshotted(stopped),
    begin: c => beginCopyInstance(c, { ...wish('c2'), source: 'c1/s1', instanceOnly: false, target: { node: 'n2' } }),
  },
  {
    name: 'delete one with snapshots',
    saga: 'delete-instance',
    prepare: snapshotted(stopped),
    begin: c => beginDeleteInstance(c, c1),
  },
  { name: 'backup', saga: 'create-backup', prepare: snapshotted(stopped), begin: c => beginCreateBackup(c, newBackup) },
  {
    name: 'rename a backup',
    saga: 'rename-backup',
    prepare: backedUp,
    begin: c => beginRenameBackup(c, { ...b1, newName: 'b2' }),
  },
  { name: 'delete a backup', saga: 'delete-backup', prepare: backedUp, begin: c => beginDeleteBackup(c, b1) },
  {
    name: 'delete one with backups',
    saga: 'delete-instance',
    prepare: backedUp,
    begin: c => beginDeleteInstance(c, c1),
  },
  {
    name: 'import a backup with a snapshot',
    saga: 'import-instance',
    begin: c =>
      beginImportInstance(c, {
        wanted: wish('c1', { image: '' }),
        order: { node: 'n2', upload: 'u1', idBase: 1_000_000, snapshotIdBases: {} },
        snapshots: [{ name: 's1', phase: 'ready', stateful: false, createdAt: '', expiresAt: '', was: NOTHING_WAS }],
      }),
  },
  {
    name: 'update with a new card and more memory',
    saga: 'update-instance',
    prepare: running,
    begin: c => {
      const { value } = c.view.get(INSTANCES.key(project, 'c1'))!;
      const config = { ...value.config, 'limits.memory': '1GiB' };
      const devices = { eth1: { type: 'nic', name: 'eth1', network: 'net0' } };
      return beginUpdateInstance(c, { ...c1, next: { ...value, config, devices } });
    },
  },
  {
    name: 'rename',
    saga: 'rename-instance',
    prepare: stopped,
    begin: c => beginRenameInstance(c, { ...c1, newName: 'c9' }),
  },
  { name: 'delete', saga: 'delete-instance', prepare: stopped, begin: c => beginDeleteInstance(c, c1) },
  {
    name: 'move while it runs',
    saga: 'migrate-live',
    prepare: running,
    begin: c => beginMoveInstance(c, { ...c1, live: true, target: { node: 'n2' } }),
  },
  {
    name: 'move while it runs, its memory later',
    saga: 'migrate-live',
    prepare: running,
    begin: c => beginMoveInstance(c, { ...c1, live: true, mode: 'post-copy', target: { node: 'n2' } }),
  },
  {
    name: 'move with snapshots, while it runs',
    saga: 'migrate-live',
    prepare: snapshotted(running),
    begin: c => beginMoveInstance(c, { ...c1, live: true, target: { node: 'n2' } }),
  },
  {
    name: 'move with a state that is kept, and snapshots',
    saga: 'migrate-cold',
    prepare: snapshotted(saved),
    begin: c => beginMoveInstance(c, { ...c1, live: true }),
  },
  {
    name: 'move a stopped one',
    saga: 'migrate-cold',
    prepare: stopped,
    begin: c => beginMoveInstance(c, { ...c1, live: true }),
  },
  {
    name: 'move by stopping and starting',
    saga: 'migrate-cold',
    prepare: running,
    begin: c => beginMoveInstance(c, { ...c1, live: false }),
  },
  {
    name: 'move a stopped one, and rename it',
    saga: 'relocate',
    restored: 'admission only',
    prepare: stopped,
    begin: c => beginMoveInstance(c, { ...c1, live: true, newName: 'c9', target: { node: 'n2' } }),
  },
  // What has moved stays where it is: each instance is moved by a saga of its own.
  {
    name: 'evacuate',
    saga: 'evacuate-node',
    restored: 'admission only',
    prepare: two,
    begin: c => beginEvacuateNode(c, { node: 'n1' }),
  },
  {
    name: 'restore',
    saga: 'restore-node',
    restored: 'admission only',
    prepare: evacuated,
    begin: c => beginRestoreNode(c, { node: 'n1' }),
  },
  {
    name: 'back up a volume',
    saga: 'backup-volume',
    prepare: usedVolume,
    begin: c => beginBackupVolume(c, v1, { backup: 'b', expiresAt: '', volumeOnly: false, compression: 'gzip' }),
  },
  {
    name: 'import a volume',
    saga: 'import-volume',
    prepare: async ({ world }) => void world.host('n1').uploads.set('u1', 'a volume'),
    begin: c =>
      beginImportVolume(c, {
        wanted: newVolume('v9', ''),
        order: { node: 'n1', upload: 'u1', idBase: 0, snapshotIdBases: {} },
        snapshots: [{ name: 's1', description: '', config: {}, createdAt: '', expiresAt: '' }],
      }),
  },
  {
    name: 'remove a lost host',
    saga: 'remove-node',
    amiss: true,
    prepare: lostHost,
    begin: c => beginRemoveNode(c, { node: 'n1' }),
  },
  {
    name: 'forget an instance of a lost host',
    saga: 'forget-instance',
    amiss: true,
    prepare: lostHost,
    begin: c => {
      const { value } = getInstance(c.view, project, 'c1');
      return c.engine.start(
        forgetInstance,
        { project, name: 'c1', id: value.id },
        instanceBeginning('Deleting instance', value),
      );
    },
  },
  {
    name: 'import an image',
    saga: 'import-image',
    prepare: async ({ world }) => void world.host('n1').uploads.set('u1', 'e'.repeat(64)),
    begin: c =>
      beginImportImage(c, {
        project,
        node: 'n1',
        upload: 'u1',
        fingerprint: '',
        filename: 'x.tar',
        public: false,
        properties: {},
        aliases: [{ name: 'other', description: '' }],
      }),
  },
  {
    name: 'create one with a volume',
    saga: 'create-instance',
    prepare: madeVolume,
    begin: c => beginCreateInstance(c, wish('c1', { devices: DATA })),
  },
  {
    name: 'change a volume',
    saga: 'change-volume',
    prepare: usedVolume,
    begin: c => beginChangeVolume(c, v1, { config: { 'user.a': 'b' }, description: 'changed' }),
  },
  {
    name: 'delete a volume with a snapshot',
    saga: 'delete-volume',
    prepare: freeVolume,
    begin: c => beginDeleteVolume(c, v1),
  },
  {
    name: 'copy a volume with its snapshot',
    saga: 'copy-volume',
    prepare: usedVolume,
    begin: c => beginCopyVolume(c, { ...newVolume('v2', ''), from: v1, snapshot: '', volumeOnly: false }),
  },
  {
    name: 'copy a volume to another host',
    saga: 'copy-volume',
    prepare: usedVolume,
    begin: c => beginCopyVolume(c, { ...newVolume('v2', 'n2'), from: v1, snapshot: '', volumeOnly: false }),
  },
  {
    name: 'move a volume with its snapshot',
    saga: 'move-volume',
    prepare: freeVolume,
    begin: c => beginMoveVolume(c, v1, { pool: 'default', name: 'v9', node: 'n2' }),
  },
  {
    name: 'snapshot a volume',
    saga: 'create-volume-snapshot',
    prepare: madeVolume,
    begin: c => beginCreateVolumeSnapshot(c, { ...v1, snapshot: 's2', expiresAt: undefined, description: '' }),
  },
  {
    name: 'delete a snapshot of a volume',
    saga: 'delete-volume-snapshot',
    prepare: usedVolume,
    begin: c => beginDeleteVolumeSnapshot(c, vs1),
  },
  {
    name: 'restore a volume',
    saga: 'restore-volume',
    prepare: freeVolume,
    begin: c => beginRestoreVolume(c, vs1),
  },
  {
    name: 'fetch an image',
    saga: 'fetch-image',
    begin: c =>
      beginFetchImage(c, { project, node: 'n1', public: false, properties: {}, profiles: [], aliases: [] }, STORE),
  },
  // The image stays when the instance cannot be made.
  {
    name: 'create from a store',
    saga: 'create-from-store',
    restored: 'all but images',
    begin: c => beginCreateFromStore(c, wish('c1'), 'n1', STORE),
  },
  {
    name: 'publish',
    saga: 'publish-image',
    prepare: stopped,
    begin: c =>
      beginPublishImage(c, {
        ...c1,
        snapshot: '',
        public: false,
        properties: { a: 'b' },
        expiresAt: '',
        compression: 'gzip',
        aliases: [{ name: 'mine', description: '' }],
      }),
  },
  {
    name: 'sweep a leftover',
    saga: 'sweep-instance',
    amiss: true,
    prepare: async (cluster, c) => {
      await stopped(cluster, c);
      const { spec } = [...cluster.world.host('n1').instances.values()][0]!;
      cluster.world.host('n2').set(spec.id, { spec });
    },
    begin: c => {
      const { value } = c.view.get(INSTANCES.key(project, 'c1'))!;
      const beginning = instanceBeginning('Removing a leftover', value);
      return c.engine.start(sweepInstance, { node: 'n2', id: value.id, generation: 1 }, beginning);
    },
  },
  {
    name: 'rename a project',
    saga: 'rename-project',
    prepare: async (_cluster, c) => {
      const record = { name: 'p1', description: '', config: { 'features.profiles': 'true' } };
      const profile = { name: 'default', project: 'p1', description: '', config: {}, devices: {} };
      const { revision } = await c.store.commit(
        together(PROJECTS.create(PROJECTS.key('p1'), record), PROFILES.create(PROFILES.key('p1', 'default'), profile)),
      );
      await c.view.reached(revision);
    },
    begin: c =>
      c.engine.start(
        renameProject,
        { name: 'p1', newName: 'p2' },
        { project, description: 'Renaming project', resources: {}, locks: ['project/p1'] },
      ),
  },
  { name: 'delete an image', saga: 'delete-image', begin: c => beginDeleteImage(c, { project, fingerprint: IMAGE }) },
];

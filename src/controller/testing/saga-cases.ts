/** One case or more for every saga: a world to begin in, and the wish that begins it. */
import { beginChangeState, STATE_ACTIONS, type StateAction } from '../commands/change-state.ts';
import { beginCreateInstance } from '../commands/create-instance.ts';
import { beginDeleteInstance } from '../commands/delete-instance.ts';
import { beginEvacuateNode, beginRestoreNode } from '../commands/evacuate-node.ts';
import { beginDeleteImage, beginImportImage } from '../commands/images.ts';
import { beginMoveInstance } from '../commands/move-instance.ts';
import { beginRenameInstance } from '../commands/rename-instance.ts';
import { beginUpdateInstance } from '../commands/update-instance.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { sweepInstance } from '../sagas/sweep-instance.ts';
import { INSTANCES } from '../spaces.ts';
import { IMAGE, type TestCluster, type TestController } from './test-cluster.ts';
import { wish } from './wishes.ts';

export interface SagaCase {
  readonly name: string;
  readonly saga: string;
  prepare?(cluster: TestCluster, c: TestController): Promise<void>;
  begin(c: TestController): Promise<SagaRecord>;
  /** What is compared after a failure; without it everything must be as before. */
  readonly restored?: 'all but what runs' | 'admission only';
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
  { name: 'delete an image', saga: 'delete-image', begin: c => beginDeleteImage(c, { project, fingerprint: IMAGE }) },
];

/**
 * Finds what no operation will ever clean up, because a host was away when it would have: instances that a host has and
 * should not, and records that were never finished. Each is removed by a saga, under the instance's lock.
 */
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import type { Beginning } from '../saga/engine.ts';
import { lockKey } from '../saga/locks.ts';
import { deleteInstance } from '../sagas/delete-instance.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { isLeftover, sweepInstance } from '../sagas/sweep-instance.ts';
import { INSTANCES, LEADER, NODE_STATUS, NODES } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export function sweep(): Reconciler {
  const suspects = new Map<string, number>();
  return {
    name: 'sweep',
    periodMs: 2_000,
    hints: [NODE_STATUS.prefix, INSTANCES.prefix],
    run: async context => {
      const swept = [...(await sweepHosts(context, suspects)), ...(await sweepRecords(context))];
      return swept.length === 0 ? '' : `removes ${swept.join(', ')}`;
    },
  };
}

/** What was removed a moment ago is still in the last report: only what stays is a leftover. */
const GRACE_MS = 1_500;

/** @param suspects since when (ms since the epoch) each seems to be a leftover. */
async function sweepHosts(context: ReconcileContext, suspects: Map<string, number>): Promise<readonly string[]> {
  const { view, engine, clock } = context;
  // What agents said is compared with the store as it is after they said it: an older view would call new ones nobody's.
  const reports = view.list(NODES).map(({ value }) => ({ node: value.name, news: context.news(value.name) }));
  const leftovers = () => {
    const byId = new Map(view.list(INSTANCES).map(({ value }) => [value.id, value]));
    return reports.flatMap(({ node, news }) =>
      [...(news?.complete ? news.instances : [])].flatMap(([id, { generation }]) => {
        const record = byId.get(id);
        const isOne = isLeftover(record, node) && !(record !== undefined && isBusy(context, record));
        return isOne ? [{ node, id, generation, record }] : [];
      }),
    );
  };
  const found = new Set<string>();
  const swept: string[] = [];
  if (leftovers().length > 0) {
    await catchUp(context);
    for (const { node, id, generation, record } of leftovers()) {
      const name = `${id} on ${node}`;
      found.add(name);
      const since = suspects.get(name) ?? clock.now();
      suspects.set(name, since);
      if (clock.now() - since < GRACE_MS) continue;
      const begun = engine.start(sweepInstance, { node, id, generation }, beginning(node, id, record));
      if (await unlessBusy(begun)) swept.push(name);
    }
  }
  for (const name of suspects.keys()) if (!found.has(name)) suspects.delete(name);
  return swept;
}

/** No operation holds them, so none will finish them. */
async function sweepRecords(context: ReconcileContext): Promise<readonly string[]> {
  const swept: string[] = [];
  for (const { value } of context.view.list(INSTANCES)) {
    if (value.phase === 'ready' || isBusy(context, value)) continue;
    const { project, name, id } = value;
    const beginning = instanceBeginning('Deleting instance', value);
    const begun = context.engine.start(deleteInstance, { project, name, id }, beginning);
    if (await unlessBusy(begun)) swept.push(`${name}, which was never finished`);
  }
  return swept;
}

function beginning(node: string, id: string, record: InstanceRecord | undefined): Beginning {
  const description = 'Removing a leftover';
  const lock = `leftover/${node}/${id}`;
  if (record === undefined) return { project: 'default', description, resources: {}, locks: [lock], location: node };
  const own = instanceBeginning(description, record);
  return { ...own, locks: [...own.locks, lock], location: node };
}

async function catchUp({ store, view }: ReconcileContext): Promise<void> {
  const { revision } = await store.list(LEADER.prefix);
  await view.reached(revision);
}

function isBusy({ view }: ReconcileContext, { project, name }: InstanceRecord): boolean {
  return view.get(lockKey(`instance/${project}/${name}`)) !== undefined;
}

async function unlessBusy(begun: Promise<unknown>): Promise<boolean> {
  try {
    await begun;
    return true;
  } catch (thrown) {
    if (AppError.from(thrown).code !== 'busy') throw thrown;
    return false;
  }
}

/**
 * Every saga, on fake hosts: each step twice, each step failing, and the controller killed before and after each thing
 * that it does to the world. A saga that is listed in `sagas/index.ts` and has no case here fails the first test.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../domain/errors.ts';
import type { Saga, Step } from './saga/saga.ts';
import { isSettled } from './saga/saga-log.ts';
import type { SagaRecord } from './saga/saga-record.ts';
import { SAGA_TABLES } from './sagas/index.ts';
import { SAGAS } from './spaces.ts';
import { SAGA_CASES, type SagaCase } from './testing/saga-cases.ts';
import { openTestCluster, type TestCluster } from './testing/test-cluster.ts';

const byName = (name: string): Saga => SAGA_TABLES.find(saga => saga.name === name)!;

// Most of the time goes by waiting for timers: side by side they wait together.
describe('every saga', { concurrency: 16 }, () => {
  it('has a case', () => {
    const cases = new Set(SAGA_CASES.map(each => each.saga));
    assert.deepEqual(
      SAGA_TABLES.map(({ name }) => name).filter(name => !cases.has(name)),
      [],
    );
  });

  for (const each of SAGA_CASES) {
    it(`${each.name}: every step may be run twice`, async () => {
      await perform(each, { change: twice }, async ({ record, cluster }) => {
        assert.equal(record?.state, 'succeeded', record?.error?.message);
        await cluster.consistent();
      });
    });

    for (const step of byName(each.saga).steps) {
      if (step.kind === 'forward') {
        it(`${each.name}: says so when ${step.name} fails for good, and lets go`, async () => {
          await perform(each, { change: failing(each.saga, step, 'before') }, async ({ record }) => {
            assert.equal(record?.state, 'failed');
            assert.match(record.error!.message, new RegExp(`^${step.name} is left to be done later: injected`));
          });
        });
        continue;
      }
      // A pivot happened or it did not: one that happened cannot fail.
      for (const when of step.kind === 'pivot' ? (['before'] as const) : (['before', 'after'] as const)) {
        it(`${each.name}: leaves nothing when it fails ${when} ${step.name}`, async () => {
          const change = failing(each.saga, step, when);
          await perform(each, { change }, async ({ record, before, after, cluster }) => {
            assert.equal(record?.state, 'failed');
            assert.equal(record.error!.message, 'injected');
            assert.deepEqual(after, before);
            if (!each.amiss) await cluster.consistent();
          });
        });
      }
    }

    it(`${each.name}: goes on wherever its controller dies`, async () => {
      const kills = await killEverywhere(each, undefined, async ({ record, before, after, cluster }, at) => {
        if (record === undefined) assert.deepEqual(after, before, at);
        else assert.equal(record.state, 'succeeded', `${at}: ${record.error?.message}`);
        if (record !== undefined || !each.amiss) await cluster.consistent(at);
      });
      assert.ok(kills >= 4, `only ${kills} places to die were found`);
    });

    const last = byName(each.saga).steps.findLast(({ kind }) => kind === 'undoable');
    if (last === undefined) continue;
    it(`${each.name}: is taken back wherever its controller dies while it unwinds`, async () => {
      const change = failing(each.saga, last, 'after');
      await killEverywhere(each, change, async ({ record, before, after, cluster }, at) => {
        assert.ok(record === undefined || record.state === 'failed', `${at}: ${record?.state}`);
        assert.deepEqual(after, before, at);
        await cluster.consistent(at);
      });
    });
  }
});

type Change = (saga: Saga) => Saga;

interface Outcome {
  /** Undefined when the controller died before it was stored. */
  readonly record: SagaRecord | undefined;
  readonly died: boolean;
  readonly before: unknown;
  readonly after: unknown;
  readonly cluster: TestCluster;
}

interface Disturbance {
  readonly change?: Change | undefined;
  /** Which thing that it does to the world (a commit, a call: before and after it) is the controller's last. */
  readonly dieAt?: number;
}

/** Long sagas are made of sagas that have their own tests: of those not every place is tried. */
const MOST_KILLS = 60;

/** @returns how many places there were to die at. */
async function killEverywhere(
  each: SagaCase,
  change: Change | undefined,
  check: (outcome: Outcome, at: string) => Promise<void>,
): Promise<number> {
  let effects = 0;
  await perform(each, { change }, async outcome => {
    effects = outcome.effects;
  });
  const stride = Math.ceil(effects / MOST_KILLS);
  for (let dieAt = 1; dieAt <= effects; dieAt += stride) {
    await perform(each, { change, dieAt }, outcome =>
      check(outcome, `killed at effect ${dieAt} of ${effects} (${describeLog(outcome.record)})`),
    );
  }
  return effects;
}

async function perform(
  each: SagaCase,
  { change = saga => saga, dieAt = 0 }: Disturbance,
  check: (outcome: Outcome & { readonly effects: number }) => Promise<void>,
): Promise<void> {
  const cluster = await openTestCluster(['n1', 'n2']);
  try {
    const { view, until, picture } = cluster;
    const sagas = SAGA_TABLES.map(change);
    const observer = await cluster.controller('observer', { sagas });
    await each.prepare?.(cluster, observer);
    const old = new Set(view.list(SAGAS).map(({ key }) => key));
    const before = shown(picture(), each);

    let effects = 0;
    let counting = false;
    const count = () => {
      if (counting && ++effects === dieAt) victim.mortal.kill();
    };
    const victim = await cluster.controller('victim', { sagas, effects: count });
    await victim.view.reached(view.revision);
    counting = true;
    const death = new Promise<void>(resolve => victim.mortal.signal.addEventListener('abort', () => resolve()));
    await Promise.race([each.begin(victim), death]);
    await cluster.upToDate();
    await until('all operations are over', () => view.list(SAGAS).every(({ value }) => isSettled(value)));
    counting = false;
    const begun = view.list(SAGAS).find(({ key, value }) => !old.has(key) && value.saga === each.saga);
    const died = victim.mortal.dead;
    await check({ record: begun?.value, died, before, after: shown(picture(), each), cluster, effects });
  } finally {
    await cluster.close();
  }
}

/** Without what a failure is allowed to leave. */
function shown(picture: Readonly<Record<string, unknown>>, { restored }: SagaCase): unknown {
  if (restored === undefined) return picture;
  if (restored === 'admission only') return picture.nodes;
  if (restored === 'all but images') return { ...picture, images: [] };
  const without = (key: string, value: unknown) =>
    ['state', 'wanted', 'memory', 'stateful'].includes(key) ? undefined : value;
  return JSON.parse(JSON.stringify(picture), without);
}

function twice(saga: Saga): Saga {
  const again = (step: Step): Step => ({
    ...step,
    run: async (context, seen) => {
      await step.run(context, seen);
      return step.run(context, seen);
    },
  });
  return { ...saga, steps: saga.steps.map(again) };
}

/** Undo runs twice as well. */
function failing(name: string, at: Step, when: 'before' | 'after'): Change {
  const fail = () => {
    throw new AppError('unsupported', 'injected');
  };
  const changed = (step: Step): Step => ({
    ...step,
    run:
      step.name !== at.name
        ? step.run
        : async (context, seen) => {
            if (when === 'after') await step.run(context, seen);
            fail();
          },
    ...(step.undo === undefined
      ? {}
      : {
          undo: async (context, seen) => {
            await step.undo!(context, seen);
            await step.undo!(context, seen);
          },
        }),
  });
  return saga => (saga.name === name ? { ...saga, steps: saga.steps.map(changed) } : saga);
}

function describeLog(record: SagaRecord | undefined): string {
  return record === undefined ? 'not begun' : record.log.map(({ step, event }) => `${step} ${event}`).join(', ');
}

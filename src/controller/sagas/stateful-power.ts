/**
 * Stop with memory and processes, and the start that goes on with them: each is the other's undo. A stop that fails leaves
 * the instance running; a start that fails leaves it stopped, and what was kept is kept.
 */
import { AppError } from '../../domain/errors.ts';
import { commitDecided } from '../decide.ts';
import { bootIdOf } from '../instances/boot.ts';
import { refOf, specOf } from '../instances/expanded.ts';
import { findInstance, type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { untilSeen } from '../instances/seen.ts';
import { type Run, saga, type Undo } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';

interface Given {
  readonly input: InstanceKey;
}

type State = 'running' | 'stopped';

export const stopStateful = saga<InstanceKey>('stop-stateful', 1)
  .undoable('save', ensure('stopped'), backTo('running'))
  .pivot('record', record('stopped'))
  .forward('seen', seen('stopped'))
  .end();

export const startStateful = saga<InstanceKey>('start-stateful', 1)
  .undoable('go-on', ensure('running'), backTo('stopped'))
  .pivot('record', record('running'))
  .forward('seen', seen('running'))
  .end();

/** Memory is written to and read from a disk; the agent gives up by itself before. */
const TIMEOUT_MS = 700_000;

function ensure(state: State): Run<Given, void> {
  return async (context, { input }) => {
    const { value } = needInstance(context.view, input);
    const ref = refOf(value, value.generation);
    const request = { ref, state, stateful: true, timeoutMs: -1n, spec: specOf(context.view, value) };
    await context.agents.of(value.node).ensureState(request, { timeoutMs: TIMEOUT_MS });
  };
}

/** `conflict`: it stopped by itself meanwhile, and has nothing to go on with. */
function backTo(state: State): Undo<Given> {
  return async (context, given) => {
    if (findInstance(context.view, given.input) === undefined) return;
    try {
      await ensure(state)(context, given);
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (error.code !== 'conflict') throw error;
      context.log('nothing to go back to', { error });
    }
  };
}

function record(state: State): Run<Given, void> {
  return async (context, { input }) => {
    await commitDecided(context, () => {
      const stored = needInstance(context.view, input);
      const { stateful = false, ...value } = stored.value;
      if (value.wanted === state && stateful === (state === 'stopped')) return undefined;
      const config = { ...value.config, ...bootIdOf(context.view, value.node) };
      const lastUsedAt = new Date(context.clock.now()).toISOString();
      return INSTANCES.replace(stored, {
        ...value,
        config,
        wanted: state,
        ...(state === 'stopped' ? { stateful: true } : { lastUsedAt }),
      });
    });
  };
}

function seen(state: State): Run<Given, void> {
  return async (context: StepContext, { input }) => {
    const stored = findInstance(context.view, input);
    if (stored !== undefined) await untilSeen(context, input.id, stored.value.generation, state);
  };
}

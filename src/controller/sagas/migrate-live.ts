/**
 * Moves an instance to another host while it runs. Until the switch every failure leaves it running where it is; after it
 * there is only forward. Both ends stand still between `switch-over` and `resume`: that is the pause its users notice.
 */
import { AppError, fail } from '../../domain/errors.ts';
import { formatBytes } from '../../domain/size.ts';
import { refOf } from '../instances/expanded.ts';
import { needInstance } from '../instances/instance-store.ts';
import { drain } from '../instances/progress.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import {
  abortBoth,
  abortSource,
  abortTarget,
  cleanSource,
  commitSource,
  type MoveInput,
  type Moving,
  moveRef,
  prepare,
  reserve,
  resumeOrStart,
  seen,
  switchOwner,
  unreserve,
} from './move-steps.ts';

export const migrateLive = saga<MoveInput>('migrate-live', 1)
  .undoable('reserve', reserve(true), unreserve)
  .harmless('check', check)
  .undoable('prepare', async (context, moving) => void (await prepare(context, moving, true)), abortTarget)
  .undoable('sync', sync, abortSource)
  .undoable('switch-over', switchOver, abortBoth)
  .pivot('switch', switchOwner)
  .forward('resume', resumeOrStart)
  .forward('commit', commitSource)
  .forward('clean', cleanSource)
  .forward('seen', seen)
  .end();

/** Rounds of the volume while it runs: each ships what changed during the one before. */
const MAX_ROUNDS = 4;
/** So little is shipped in a few milliseconds: another round would not shorten the pause. */
const SMALL_ROUND_BYTES = 4 * 2 ** 20;
/** Dumping and shipping memory; the agents give up by themselves long before. */
const SWITCH_TIMEOUT_MS = 600_000;

async function check(context: StepContext, { input, reserve }: Moving): Promise<void> {
  const { value } = needInstance(context.view, input);
  const target = await context.agents.of(reserve.to).getHost({});
  const answer = await context.agents.of(reserve.from).checkMove({ ref: refOf(value, value.generation), target });
  if (answer.verdict === 'live') return;
  const why = answer.obstacles.map(({ what, advice }) => (advice === '' ? what : `${what} (${advice})`)).join('; ');
  const instead = answer.verdict === 'restart' ? '; it can be moved by stopping and starting it: --stateless' : '';
  fail('unsupported', `Instance "${value.name}" cannot be moved while it runs: ${why || 'its host says no'}${instead}`);
}

async function sync(context: StepContext, moving: Moving): Promise<void> {
  const source = context.agents.of(moving.reserve.from);
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const target = await prepare(context, moving, true);
    const ref = moveRef(context, moving.input, moving.reserve, 'source');
    const bytes = await drain(context, 'fs_progress', source.syncMove({ ref, target, round, final: false }));
    context.log('volume round', { round, bytes: formatBytes(bytes) });
    if (bytes < SMALL_ROUND_BYTES) return;
  }
}

async function switchOver(context: StepContext, moving: Moving): Promise<void> {
  const { input, reserve } = moving;
  // Run again after a crash, it may stand still there already: then no stream is opened, and none needs a token.
  const target = await prepare(context, moving, true).catch(thrown => {
    if (AppError.from(thrown).code === 'conflict') return { token: '', address: '' };
    throw thrown;
  });
  const end = new AbortController();
  const options = { timeoutMs: SWITCH_TIMEOUT_MS, signal: end.signal };
  try {
    const [freeze, restore] = await Promise.all([
      context.agents.of(reserve.from).freezeMove({ ref: moveRef(context, input, reserve, 'source'), target }, options),
      context.agents.of(reserve.to).awaitMove(moveRef(context, input, reserve, 'target'), options),
    ]);
    const bytes = Object.fromEntries(Object.entries(freeze.bytes).map(([name, value]) => [name, Number(value)]));
    context.progress({ 'berth.freeze_ms': freeze.ms, 'berth.restore_ms': restore.ms, 'berth.bytes': bytes });
  } finally {
    end.abort(); // one has failed: nobody waits for the other
  }
}

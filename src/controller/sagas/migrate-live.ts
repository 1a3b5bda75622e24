/**
 * Moves an instance to another host while it runs. Until the switch every failure leaves it running where it is; after it
 * there is only forward. Both ends stand still between `switch-over` and `resume`: that is the pause its users notice.
 */
import { AppError, fail } from '../../domain/errors.ts';
import { LIVE_MODES, type LiveMode } from '../../domain/move-mode.ts';
import { anotherRoundPays, type MoveRound } from '../../domain/move-rounds.ts';
import { formatBytes } from '../../domain/size.ts';
import { refOf } from '../instances/expanded.ts';
import { findInstance, needInstance } from '../instances/instance-store.ts';
import { drainRound, type MemoryRound } from '../instances/progress.ts';
import { FinalWord } from '../saga/final-word.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { askCheck } from './ask-check.ts';
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
  startAnew,
  switchOwner,
  unreserve,
} from './move-steps.ts';
import { keepForTarget, PROGRESS, type Pulled, pullMemory, reconnect } from './pull-memory.ts';

/** How its memory travels. */
type Checked = { readonly mode: LiveMode };
/** When the target stood ready, and what the pause was until then. */
type Switched = { readonly at: number; readonly pauseMs: number };
/** Whether it was started on the target instead of going on there: it has no memory to come. */
type LetRun = { readonly anew: boolean };

interface Live extends Moving {
  readonly check: Checked;
}

export const migrateLive = saga<MoveInput>('migrate-live', 2)
  .undoable('reserve', reserve(true), unreserve)
  .harmless('check', check)
  .undoable('prepare', async (context, live) => void (await prepareLive(context, live)), abortTarget)
  .undoable('sync', sync, abortSource)
  .undoable('switch-over', switchOver, takeBack)
  .pivot('switch', switchOwner)
  .forward('resume', (context, live) =>
    waitForTarget(context, live, () => untilRoom(context, () => letRun(context, live))),
  )
  .forward('memory', (context, live) =>
    waitForTarget(context, live, () => untilRoom(context, () => memory(context, live))),
  )
  .forward('commit', commitSource)
  .forward('clean', cleanSource)
  .forward('seen', seen)
  .forward('tell', tell)
  .end();

/** Dumping and shipping memory; the agents give up by themselves long before. */
const SWITCH_TIMEOUT_MS = 600_000;

async function check(context: StepContext, { input, reserve }: Moving): Promise<Checked> {
  const { value } = needInstance(context.view, input);
  const wish = { mode: input.mode ?? 'auto', detach: input.detach === true };
  const answer = await askCheck(context.agents, value, reserve.to, wish);
  if (answer.verdict !== 'live') {
    const why = answer.obstacles.map(({ what, advice }) => (advice === '' ? what : `${what} (${advice})`)).join('; ');
    const instead = answer.verdict === 'restart' ? '; it can be moved by stopping and starting it: --mode restart' : '';
    fail(
      'unsupported',
      `Instance "${value.name}" cannot be moved while it runs: ${why || 'its host says no'}${instead}`,
    );
  }
  const mode = LIVE_MODES.find(each => each === answer.mode) ?? 'stop-and-copy';
  context.log('mode chosen', { mode, why: answer.why });
  context.progress({
    'berth.mode': mode,
    'berth.mode_reason': answer.why,
    'berth.predicted_pause_ms': Math.round(answer.predictedPauseMs),
    'berth.predicted_total_ms': Math.round(answer.predictedTotalMs),
  });
  return { mode };
}

const prepareLive = (context: StepContext, live: Live) => prepare(context, live, live.check.mode);

async function sync(context: StepContext, live: Live): Promise<void> {
  const source = context.agents.of(live.reserve.from);
  const ref = moveRef(context, live.input, live.reserve, 'source');
  const { mode } = live.check;
  const rounds: MoveRound[] = [];
  const memories: MemoryRound[] = [];
  while (anotherRoundPays(rounds)) {
    const target = await prepareLive(context, live);
    const request = { ref, target, round: rounds.length, final: false, mode };
    const { volume, memory } = await drainRound(context, source.syncMove(request));
    rounds.push({ volume, memory });
    if (memory !== undefined) memories.push(memory);
    const memoryBytes = formatBytes(memory?.bytes ?? 0);
    context.log('round', { round: rounds.length, volume: formatBytes(volume.bytes), memory: memoryBytes });
    if (mode === 'pre-copy') context.progress({ 'berth.memory_rounds': memories });
  }
}

async function switchOver(context: StepContext, live: Live): Promise<Switched> {
  const { input, reserve, check } = live;
  // Run again after a crash, it may stand still there already: then no stream is opened, and none needs a token.
  const target = await prepareLive(context, live).catch(thrown => {
    if (AppError.from(thrown).code === 'conflict') return { token: '', address: '' };
    throw thrown;
  });
  const end = new AbortController();
  const options = { timeoutMs: SWITCH_TIMEOUT_MS, signal: end.signal };
  try {
    const ref = moveRef(context, input, reserve, 'source');
    const [freeze, restore] = await Promise.all([
      context.agents.of(reserve.from).freezeMove({ ref, target, mode: check.mode }, options),
      context.agents.of(reserve.to).awaitMove(moveRef(context, input, reserve, 'target'), options),
    ]);
    const bytes = Object.fromEntries(Object.entries(freeze.bytes).map(([name, value]) => [name, Number(value)]));
    context.progress({ 'berth.freeze_ms': freeze.ms, 'berth.restore_ms': restore.ms, 'berth.bytes': bytes });
    return { at: context.clock.now(), pauseMs: (freeze.ms.total ?? 0) + (restore.ms.restore ?? 0) };
  } finally {
    end.abort(); // one has failed: nobody waits for the other
  }
}

/** CRIU's code is inside the processes while it dumps: if it is killed then, they may die with it, and begin again here. */
async function takeBack(context: StepContext, live: Live): Promise<void> {
  await abortBoth(context, live);
  const record = findInstance(context.view, live.input)?.value;
  if (record === undefined || record.wanted !== 'running') return;
  const ref = refOf(record, record.generation);
  const { status } = await context.agents.of(live.reserve.from).getInstanceState(ref);
  if (status?.state === 'stopped')
    await startAnew(context, live.input, live.reserve.from, 'it died while it was saved');
}

/** Of a post-copy: what comes after these steps ends the source, and with it the memory. */
function waitForTarget<T>(context: StepContext, live: Live, work: () => Promise<T>): Promise<T> {
  return live.check.mode === 'post-copy' ? keepForTarget(context, live, work) : work();
}

/** There is no way back: a full disk of the target is waited for, and named. */
async function untilRoom<T>(context: StepContext, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (error.code !== 'exhausted') throw thrown;
    context.progress({ [PROGRESS]: error.message });
    throw new AppError('unavailable', error.message, error);
  }
}

async function letRun(context: StepContext, live: Live & { readonly 'switch-over': Switched }): Promise<LetRun> {
  const { at, pauseMs } = live['switch-over'];
  const switchMs = context.clock.now() - at;
  try {
    const ms = await resumeOrStart(context, live);
    if (ms === undefined) return { anew: true };
    const wholeMs = Math.round(pauseMs + switchMs + (ms.pause ?? 0));
    context.progress({ 'berth.switch_ms': switchMs, 'berth.pause_ms': wholeMs });
    return { anew: false };
  } catch (thrown) {
    const error = AppError.from(thrown);
    // It may stand still for want of a page, and is then resumed again.
    if (live.check.mode === 'post-copy' && error.code === 'unavailable') await reconnect(context, live);
    throw error;
  }
}

async function memory(context: StepContext, live: Live & { readonly resume?: LetRun }): Promise<Pulled> {
  if (live.check.mode !== 'post-copy' || live.resume?.anew) return { ms: 0, bytes: 0, lost: '' };
  const pulled = await pullMemory(context, live);
  if (pulled.lost !== '') await startAnew(context, live.input, live.reserve.to, pulled.lost);
  context.progress({ 'berth.memory_ms': Math.round(pulled.ms), 'berth.memory_bytes': pulled.bytes });
  return pulled;
}

/** After all is clean: the one loss that a post-copy may bring has to be heard. */
async function tell(_: StepContext, { input, memory }: Live & { readonly memory?: Pulled }): Promise<void> {
  if (memory === undefined || memory.lost === '') return;
  throw new FinalWord(
    `Instance "${input.name}" has moved, but not all of its memory: ${memory.lost}. It was started anew there; its disk is whole`,
  );
}

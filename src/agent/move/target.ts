/**
 * The end of a move that will have the instance. Everything is made ready while it runs elsewhere; a restore that has
 * succeeded stands still before the first instruction, until `resume` says that this host owns it.
 */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, fail } from '../../domain/errors.ts';
import type { AgentMode, LiveMode } from '../../domain/move-mode.ts';
import { checkpointFailure, startCheckpoint } from '../criu/checkpoint.ts';
import { endCheckpoint } from '../criu/end-checkpoint.ts';
import { restoreOptions } from '../criu/options.ts';
import { instanceLocks } from '../instance-lock.ts';
import type { Spec } from '../spec.ts';
import { awaitFacts } from './await-facts.ts';
import { awaitOrEnd } from './await-or-end.ts';
import { between, type Facts, readFacts } from './facts.ts';
import {
  folderOf,
  forgetRestore,
  furnish,
  imagesIn,
  type MoveRecord,
  mark,
  markText,
  modeFile,
  readRecord,
  removeFolder,
  say,
  writeRecord,
} from './folder.ts';
import { bytesOf, listImages, processesIn } from './images.ts';
import { createIncoming, type Incoming } from './incoming.ts';
import type { MoveKey } from './key.ts';
import { isOnItsWay, nextAbort, nextResume, targetState } from './next-target.ts';
import { createPagesIn, type PagesHere, type PagesRequest } from './pages/pages-in.ts';
import { patienceMs } from './patience.ts';
import type { DataToken, MovePorts, Timings } from './ports.ts';
import { untilRunning } from './until-running.ts';

const ARM_TIMEOUT_MS = 20_000;
/** Until the images have come: if they do not, the source says so, and nobody waits any more. */
const IMAGES_TIMEOUT_MS = 600_000;
/** Post-copy: it may wait for a page, and a link that says nothing for so long is dead. */
const PAGES_TIMEOUT_MS = 60_000;
/** Before an aborted restore is killed. */
const BACK_TIMEOUT_MS = 5000;

export interface MoveTarget {
  /** Makes ready, arms the restore if the move is live, and gives a token for a stream. Repeatable. */
  prepare(key: MoveKey, spec: Spec, mode: AgentMode): Promise<DataToken>;
  /** Waits until it is restored and stands still. Repeatable. @throws AppError with CRIU's reasons if it failed */
  awaitRestored(key: MoveKey, signal: AbortSignal): Promise<Timings>;
  /** This host owns it: lets it run. Repeatable while the record is there. */
  resume(key: MoveKey, spec: Spec): Promise<Timings>;
  /** Post-copy, after `resume`: until all memory is here, or is known not to come. Repeatable. */
  awaitPages(key: MoveKey, request: PagesRequest): Promise<PagesHere>;
  /** Undefined: this host knows nothing of it, or has finished it. */
  recordOf(key: MoveKey): Promise<MoveRecord | undefined>;
  /** Leaves nothing here. Repeatable. @throws AppError `conflict` once it was let run */
  abort(key: MoveKey): Promise<void>;
  /** For the data plane: a stream with the parameters that `issue` was given. */
  readonly incoming: Incoming;
}

export function createTarget(ports: MovePorts): MoveTarget {
  const { root, clock, containers } = ports;
  const incoming = createIncoming(ports);
  const locks = instanceLocks();
  const alone = <T>(key: MoveKey, work: () => Promise<T>) => locks.run(folderOf(root, key), work);

  async function prepare(key: MoveKey, spec: Spec, mode: AgentMode): Promise<DataToken> {
    const folder = folderOf(root, key);
    const state = targetState(readFacts(folder));
    if (state === 'ending' || state === 'running') fail('conflict', `this move was decided: its restore is ${state}`);
    if (state === 'failed' || state === 'broken') await takeBack(key);
    if ((await readRecord(folder)) === undefined) await writeRecord(folder, { key, spec, mode });
    if (mode !== 'cold') await arm(folder, spec, mode);
    return incoming.issue(key);
  }

  async function arm(folder: string, spec: Spec, mode: LiveMode): Promise<void> {
    if (!readFacts(folder).begun) {
      if (mode === 'post-copy') ports.pages.startPager(folder);
      // The volume is not there yet: LXC is shown an empty folder, over which the shim mounts the volume when it is.
      const empty = join(folder, 'empty');
      await mkdir(empty, { recursive: true });
      const plug = await containers.prepare(spec, empty);
      const more = { plug: `${plug}\n`, ...modeFile(mode) };
      await furnish(folder, restoreOptions(mode), containers.nics(spec), more);
      startCheckpoint({ verb: 'restore', folder, criu: ports.criu, lxcPath: containers.lxcPath, name: spec.id });
    }
    const ready = ({ stages }: Facts) => mode !== 'post-copy' || stages.has('pager');
    const over = (facts: Facts) => !['idle', 'arming'].includes(targetState(facts)) && ready(facts);
    const facts = await awaitFacts(folder, over, { timeoutMs: ARM_TIMEOUT_MS, what: 'making ready to restore' });
    if (['failed', 'broken'].includes(targetState(facts))) throw await failureOf(folder, facts);
  }

  async function awaitRestored(key: MoveKey, signal: AbortSignal): Promise<Timings> {
    const folder = folderOf(root, key);
    const record = await expectRecord(folder, key);
    if (record.mode === 'cold') return { ms: {}, bytes: {} };
    const come = ({ stages }: Facts) => stages.has('restore');
    const enough = (facts: Facts) => come(facts) || !isOnItsWay(facts);
    const begun = await awaitFacts(folder, enough, {
      timeoutMs: IMAGES_TIMEOUT_MS,
      what: 'sending the images',
      signal,
    });
    const facts = isOnItsWay(begun) ? await untilRestored(folder, signal) : begun;
    const state = targetState(facts);
    if (state === 'idle' || facts.words.verdict === 'back') fail('cancelled', 'the move was called off');
    if (state === 'failed' || state === 'broken') throw await failureOf(folder, facts);
    return { ms: { restore: between(facts, 'restore', 'verdict') ?? 0 }, bytes: {} };
  }

  /** One that hangs is not ended here: it is called off, and then killed. */
  async function untilRestored(folder: string, signal: AbortSignal): Promise<Facts> {
    const timeoutMs = patienceOf(folder);
    return awaitFacts(folder, facts => !isOnItsWay(facts), { timeoutMs, what: 'restoring', signal }).catch(thrown => {
      const error = AppError.from(thrown);
      throw error.code === 'deadline' ? new AppError('unsupported', `${error.message}: CRIU hangs`) : error;
    });
  }

  async function resume(key: MoveKey, spec: Spec): Promise<Timings> {
    const folder = folderOf(root, key);
    const { mode } = await expectRecord(folder, key);
    const live = mode !== 'cold';
    const started = clock.now();
    const facts = live ? await letRun(folder, key, spec, mode) : undefined;
    if (!live) await incoming.publish(key);
    const running = clock.now();
    if (facts !== undefined) {
      await settleIn(key, spec);
      learnFrom(mode, folder, facts, started);
    }
    const settled = clock.now();
    if (mode !== 'post-copy') await finish(key); // else when its memory is here
    return {
      ms: {
        resume: (facts && between(facts, 'network-unlock', 'post-resume')) ?? 0,
        settle: settled - running,
        finish: clock.now() - settled,
        // Until its network is back; a stage's time is that of this host's clock too.
        pause: Math.max(0, (facts?.stages.get('network-unlock') ?? started) - started),
        total: clock.now() - started,
      },
      bytes: {},
    };
  }

  function learnFrom(mode: AgentMode, folder: string, facts: Facts, started: number): void {
    const images = listImages(imagesIn(folder));
    if (mode === 'pre-copy') return; // how much was restored is spread over its rounds
    const load = { processes: processesIn(images), memoryBytes: bytesOf(images) };
    const phase = mode === 'post-copy' ? 'lazy-restore' : 'restore';
    const ms = between(facts, 'restore', 'verdict');
    const resumed = facts.stages.get('post-resume');
    if (ms !== undefined) ports.learn({ ...load, phase, ms });
    if (resumed !== undefined) ports.learn({ ...load, phase: 'resume', ms: resumed - started });
  }

  async function finish(key: MoveKey): Promise<void> {
    await incoming.finish(key);
    await removeFolder(folderOf(root, key));
  }

  async function letRun(folder: string, key: MoveKey, spec: Spec, mode: LiveMode): Promise<Facts> {
    const isNews = (facts: Facts) => nextResume(facts) !== 'wait';
    const pagesMs = mode === 'post-copy' ? PAGES_TIMEOUT_MS : 0;
    for (;;) {
      const facts = readFacts(folder);
      switch (nextResume(facts)) {
        case 'say-go':
          say(folder, 'verdict', 'go');
          break;
        case 'wait':
          // One that hung is killed, and looked at again.
          await awaitOrEnd(folder, isNews, Math.max(patienceOf(folder), pagesMs), 'resuming').catch(() => {});
          break;
        case 'reconnect':
          fail('unavailable', 'the source of the memory cannot be reached');
          break;
        case 'again':
          endCheckpoint(folder);
          await containers.clear(spec);
          await forgetRestore(folder);
          // The source still holds every page; but the way to it was used.
          if (mode === 'post-copy') await mark(folder, 'pages-cut', 'what was restored was killed before it ran');
          await arm(folder, spec, mode);
          break;
        case 'settle':
          return facts;
        case 'refuse':
          if (facts.begun) throw await buried(folder, facts, key, spec);
          fail('conflict', 'nothing was restored here that could be resumed');
      }
    }
  }

  /** @throws AppError `unsupported` if it has ended meanwhile, as it does with its LXC monitor */
  async function settleIn(key: MoveKey, spec: Spec): Promise<void> {
    try {
      await Promise.all([containers.settle(spec), containers.attach(spec)]);
      await untilRunning(ports, spec.id);
    } catch (thrown) {
      if (containers.look(spec.id).pid !== 0) throw thrown;
      await containers.clear(spec);
      await finish(key);
      throw new AppError('unsupported', 'what ran could not go on: it ended as soon as it was let run', thrown);
    }
  }

  /** It is ours and will not live again: its volume stays, so that it can be started anew. */
  async function buried(folder: string, facts: Facts, key: MoveKey, spec: Spec): Promise<AppError> {
    const error = await failureOf(folder, facts);
    endCheckpoint(folder);
    await containers.clear(spec);
    await finish(key);
    return new AppError('unsupported', `what ran could not go on: ${error.message}`, error);
  }

  async function takeBack(key: MoveKey): Promise<void> {
    const folder = folderOf(root, key);
    const record = await readRecord(folder);
    if (record === undefined) return;
    for (;;) {
      const facts = readFacts(folder);
      const step = nextAbort(facts);
      if (step === 'refuse') fail('conflict', `instance ${record.spec.id} runs here: this move cannot be taken back`);
      if (step === 'clean') break;
      if (step === 'say-back') {
        if (facts.words.images === undefined) say(folder, 'images', 'back');
        say(folder, 'verdict', 'back');
        try {
          if (facts.words.pages === undefined) say(folder, 'pages', 'back');
        } catch {} // the pager said go
        continue;
      }
      const left = (now: Facts) => nextAbort(now) !== 'wait';
      const gone = await awaitFacts(folder, left, { timeoutMs: BACK_TIMEOUT_MS, what: 'going back' }).catch(() => {});
      if (gone === undefined) break; // it hangs: what follows kills it
    }
    endCheckpoint(folder);
    await containers.clear(record.spec);
    await incoming.discard(key);
    await removeFolder(folder);
  }

  return {
    incoming,
    awaitPages: createPagesIn(ports, finish),
    awaitRestored,
    recordOf: key => readRecord(folderOf(root, key)),
    prepare: (key, spec, live) => alone(key, () => prepare(key, spec, live)),
    resume: (key, spec) => alone(key, () => resume(key, spec)),
    async abort(key) {
      await incoming.stop(key);
      await alone(key, () => takeBack(key));
    },
  };
}

const patienceOf = (folder: string): number => patienceMs(bytesOf(listImages(imagesIn(folder))));

async function failureOf(folder: string, { stages }: Facts): Promise<AppError> {
  if (!stages.has('pages-lost')) return checkpointFailure('restore', folder);
  return new AppError('unsupported', `the memory did not reach the target: ${await markText(folder, 'pages-lost')}`);
}

async function expectRecord(folder: string, key: MoveKey): Promise<MoveRecord> {
  return (
    (await readRecord(folder)) ?? fail('not-found', `move ${key.move} of instance ${key.instance} is not known here`)
  );
}

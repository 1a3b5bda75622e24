/**
 * The end of a move that has the instance. Until `commit` every failure leaves it running here; a dead agent leaves it
 * standing still until one that lives again says what shall be, for CRIU's hook waits for the verdict without us.
 */
import { AppError, fail } from '../../domain/errors.ts';
import type { AgentMode, LiveMode } from '../../domain/move-mode.ts';
import { collectGarbage } from '../../kit/collect-garbage.ts';
import type { Channel } from '../../rpc/data/channel.ts';
import { checkpointFailure, startCheckpoint } from '../criu/checkpoint.ts';
import { endCheckpoint } from '../criu/end-checkpoint.ts';
import { mendImages } from '../criu/mend-images.ts';
import { dumpOptions } from '../criu/options.ts';
import { instanceLocks } from '../instance-lock.ts';
import type { Spec } from '../spec.ts';
import type { RoundReport } from '../storage/transfer.ts';
import { awaitOrEnd } from './await-or-end.ts';
import { sendEarlyPages, withHeld } from './early-pages.ts';
import { between, type Facts, readFacts } from './facts.ts';
import { folderOf, furnish, imagesIn, modeFile, readRecord, removeFolder, say, writeRecord } from './folder.ts';
import { bytesOf, listImages, readImages } from './images.ts';
import { keyOf, type MoveKey } from './key.ts';
import { nextAbort, nextCommit, sourceState, untold } from './next-source.ts';
import { Outgoing } from './outgoing.ts';
import { servePages } from './pages/serve-pages.ts';
import { patienceMs } from './patience.ts';
import type { DataToken, MovePorts, Timings } from './ports.ts';
import { parentOfDump, readChain } from './pre-copy/chain.ts';
import { dropRounds, type MemoryRound, nextRound, sendWhatIsMade } from './pre-copy/rounds.ts';
import { samplesOf } from './samples.ts';
import { sendSnapshots } from './send-snapshots.ts';
import { untilRunning } from './until-running.ts';

/** CRIU lets go of the processes within milliseconds; a host in trouble may need longer. */
const END_TIMEOUT_MS = 10_000;

/** The image that lists deleted files still open: for these CRIU makes links in the volume, after it was frozen. */
const REMAPS = 'remap-fpath.img';

export interface SyncReport {
  readonly volume: RoundReport;
  readonly memory?: MemoryRound | undefined;
}

export interface MoveSource {
  /** One round of the volume, and of a pre-copy's memory. `cold`: the instance is stopped, and nothing else will be sent. */
  sync(key: MoveKey, spec: Spec, target: DataToken, mode: AgentMode): Promise<SyncReport>;
  /**
   * Freezes, dumps, sends the images and the volume's last round, and has the target begin to restore. The instance
   * stands still when this returns; if it fails, it runs again. Repeatable.
   */
  freeze(key: MoveKey, spec: Spec, target: DataToken, mode: LiveMode): Promise<Timings>;
  /** Post-copy: a permission for one more stream of pages. @throws AppError `conflict` when they are not held here any more */
  issuePages(key: MoveKey): Promise<DataToken>;
  /** For the data plane: a stream with the parameters that `issuePages` was given. */
  acceptPages(channel: Channel, params: Readonly<Record<string, string>>): Promise<void>;
  /** The target owns it: ends it here. Repeatable. @throws AppError `conflict` if it was not handed over */
  commit(key: MoveKey, spec: Spec): Promise<Timings>;
  /** Lets it run on here, whatever was done before. Repeatable. @throws AppError `conflict` after a commit */
  abort(key: MoveKey, spec: Spec): Promise<void>;
}

export function createSource(ports: MovePorts): MoveSource {
  const { root, clock, containers } = ports;
  const outgoing = new Map<string, Outgoing>();
  const locks = instanceLocks();
  const alone = <T>(key: MoveKey, work: () => Promise<T>) => locks.run(folderOf(root, key), work);

  const outgoingOf = (key: MoveKey, spec: Spec): Outgoing => {
    const id = folderOf(root, key);
    const known = outgoing.get(id) ?? new Outgoing(ports, key, spec);
    outgoing.set(id, known);
    return known;
  };

  const forget = async (key: MoveKey, spec: Spec): Promise<void> => {
    await outgoingOf(key, spec).close();
    outgoing.delete(folderOf(root, key));
    await removeFolder(folderOf(root, key));
  };

  async function sync(key: MoveKey, spec: Spec, target: DataToken, mode: AgentMode): Promise<SyncReport> {
    const transfer = outgoingOf(key, spec);
    if (mode === 'cold') await containers.endSessions(spec.id); // of file access: what they write would stay behind
    const channel = await transfer.open(target);
    try {
      const before = transfer.warm ? 0 : await sendSnapshots(ports, spec, transfer.sender, channel);
      const report = await transfer.sender.round(channel, { final: mode === 'cold' });
      transfer.warm = true;
      const volume = { ...report, bytes: before + report.bytes };
      return { volume, memory: mode === 'pre-copy' ? await syncMemory(key, spec, channel) : undefined };
    } finally {
      await transfer.hangUp(channel);
    }
  }

  async function syncMemory(key: MoveKey, spec: Spec, channel: Channel): Promise<MemoryRound> {
    const folder = folderOf(root, key);
    const state = sourceState(readFacts(folder));
    if (state !== 'idle') fail('conflict', `it does not run: its dump is ${state}`);
    await writeRecord(folder, { key, spec, mode: 'pre-copy' });
    return nextRound({ folder, criu: ports.criu, pid: containers.look(spec.id).pid }, channel, () => clock.now());
  }

  async function freeze(key: MoveKey, spec: Spec, target: DataToken, mode: LiveMode): Promise<Timings> {
    const folder = folderOf(root, key);
    const sent = (await readRecord(folder))?.sent;
    if (sent !== undefined) return sent;
    const before = sourceState(readFacts(folder));
    if (before !== 'idle' && before !== 'freezing' && before !== 'held') {
      fail('conflict', `the instance cannot be frozen for this move: its dump is ${before}`);
    }
    const transfer = outgoingOf(key, spec);
    // Before the freeze, for whatever is done now costs nobody a pause: the first round, if there was none, and the
    // handshakes of the two streams.
    if (!transfer.warm && before === 'idle') await sync(key, spec, target, mode);
    const streams = [await transfer.open(target), await transfer.open(target)] as const;
    try {
      collectGarbage();
      if (before === 'idle') await beginDump(folder, key, spec, mode, await sendWhatIsMade(folder, streams[0]));
      await letIn(folder, key.instance);
      const timings = await handOver(folder, key, mode, streams, transfer);
      await writeRecord(folder, { key, spec, mode, sent: timings });
      return timings;
    } catch (error) {
      await takeBack(key, spec).catch(() => {}); // the saga will abort as well; this only shortens the pause
      throw error;
    } finally {
      await Promise.all(streams.map(stream => transfer.hangUp(stream)));
    }
  }

  /** @param round of memory that it goes on from */
  async function beginDump(folder: string, key: MoveKey, spec: Spec, mode: LiveMode, round: number): Promise<void> {
    await writeRecord(folder, { key, spec, mode });
    await containers.endSessions(spec.id); // none can begin now
    const parent = round === 0 ? undefined : parentOfDump(round);
    await furnish(folder, dumpOptions(mode, parent), containers.nics(spec), modeFile(mode));
    const direct = await containers.direct(spec.id);
    startCheckpoint({ verb: 'dump', folder, criu: ports.criu, lxcPath: containers.lxcPath, name: spec.id, direct });
  }

  /** Waits for a stage of the dump. @throws AppError why it will not come */
  async function untilDump(folder: string, id: string, reached: (facts: Facts) => boolean): Promise<Facts> {
    const over = (facts: Facts) => reached(facts) || !['idle', 'freezing'].includes(sourceState(facts));
    const facts = await awaitOrEnd(folder, over, patienceMs(containers.memoryBytes(id)), 'saving the container');
    if (facts.words.verdict === 'back') fail('cancelled', 'the move was called off');
    if (!reached(facts)) throw await checkpointFailure('dump', folder);
    return facts;
  }

  /** CRIU stands ready. Who knocked is let in first. */
  async function letIn(folder: string, id: string): Promise<void> {
    if ((await untilDump(folder, id, ({ stages }) => stages.has('door'))).words.door !== undefined) return;
    await containers.quiesce(id);
    say(folder, 'door', readFacts(folder).words.verdict ?? 'go');
  }

  const untilDumped = (folder: string, id: string) => untilDump(folder, id, ({ stages }) => stages.has('verdict'));
  const dumpMs = (facts: Facts): number => between(facts, 'freeze', 'verdict') ?? 0;

  async function handOver(
    folder: string,
    key: MoveKey,
    mode: LiveMode,
    [imageStream, volumeStream]: readonly [Channel, Channel],
    { sender, released, published }: Outgoing,
  ): Promise<Timings> {
    await untilDump(folder, key.instance, ({ stages }) => stages.has('frozen') || stages.has('verdict'));
    const frozen = clock.now();
    // An agent that died after its last word to the target, and before it wrote that down, must not send it all again.
    if (released) return { ms: { dump: dumpMs(await untilDumped(folder, key.instance)) }, bytes: {} };

    const lastRound = async (): Promise<RoundReport> => {
      const round = await sender.round(volumeStream, { final: true });
      await volumeStream.ask({ ask: 'publish' });
      return round;
    };
    // Nothing writes to the volume from here on, but CRIU: see below.
    const early = published ? undefined : lastRound();
    early?.catch(() => {}); // met below
    let written = false;
    const pagesSent = sendEarlyPages(imageStream, imagesIn(folder), () => written);
    pagesSent.catch(() => {}); // met below
    const facts = await untilDumped(folder, key.instance).finally(() => {
      written = true;
    });
    const dumped = clock.now();

    mendImages(imagesIn(folder));
    const images = withHeld(listImages(imagesIn(folder)), await pagesSent);
    const pages = mode === 'post-copy' ? ports.pages.issue(key) : undefined;
    const endOfVolume = async (): Promise<readonly RoundReport[]> => {
      const rounds = early === undefined ? [] : [await early];
      if (images.some(image => image.name === REMAPS)) rounds.push(await lastRound());
      return rounds;
    };
    const before = readChain(folder).sent || undefined;
    const ended = endOfVolume();
    ended.catch(() => {}); // met below
    await imageStream.ask({ ask: 'images', images, pages, before }, readImages(imagesIn(folder), images));
    const sentImages = clock.now();
    const rounds = await ended;
    if (readFacts(folder).words.verdict === 'back') fail('cancelled', 'the move was called off');
    await imageStream.ask({ ask: 'restore' });
    const ms = { dump: dumpMs(facts) };
    ports.learn(...samplesOf(mode, imagesIn(folder), images, { dump: ms.dump, send: sentImages - dumped }));
    return {
      ms: {
        ...ms,
        images: sentImages - dumped,
        volume: rounds.reduce((sum, round) => sum + round.ms, 0),
        total: clock.now() - frozen,
      },
      bytes: { images: bytesOf(images), volume: rounds.reduce((sum, round) => sum + round.bytes, 0) },
    };
  }

  /** Its memory is here, complete, and nothing runs. */
  async function expectHeld(key: MoveKey): Promise<void> {
    const state = sourceState(readFacts(folderOf(root, key)));
    if (state !== 'held')
      fail('conflict', `the memory of instance ${key.instance} is not held here: its dump is ${state}`);
  }

  async function commit(key: MoveKey, spec: Spec): Promise<Timings> {
    const folder = folderOf(root, key);
    const started = clock.now();
    for (;;) {
      const facts = readFacts(folder);
      switch (nextCommit(facts)) {
        case 'say-go':
          say(folder, 'verdict', 'go');
          break;
        case 'wait':
          await awaitOrEnd(folder, now => nextCommit(now) !== 'wait', END_TIMEOUT_MS, 'ending it').catch(() => {}); // as below
          break;
        case 'refuse':
          fail('conflict', `nothing to hand over: the dump of instance ${spec.id} is ${sourceState(facts)}`);
          break;
        case 'clean':
          if (!facts.begun && containers.look(spec.id).pid !== 0) {
            fail('conflict', `nothing to hand over: instance ${spec.id} was never frozen and runs here`);
          }
          if (facts.exit !== 0 || facts.stages.has('criu-died')) endCheckpoint(folder);
          await containers.clear(spec);
          await forget(key, spec);
          return { ms: { commit: clock.now() - started }, bytes: {} };
      }
    }
  }

  /** A dump that was told to come back before its time writes all of it first. */
  function untilLetGo(folder: string, { stages }: Facts, id: string): Promise<Facts> {
    const timeoutMs = stages.has('verdict') ? END_TIMEOUT_MS : patienceMs(containers.memoryBytes(id));
    return awaitOrEnd(folder, now => nextAbort(now) !== 'wait', timeoutMs, 'letting go');
  }

  async function takeBack(key: MoveKey, spec: Spec): Promise<void> {
    const folder = folderOf(root, key);
    const admitted = readFacts(folder).begun ? containers.admit(spec.id) : undefined; // while CRIU lets go
    for (;;) {
      const facts = readFacts(folder);
      switch (nextAbort(facts)) {
        case 'say-back':
          for (const gate of untold(facts)) say(folder, gate, 'back');
          break;
        case 'wait':
          await untilLetGo(folder, facts, spec.id).catch(() => {}); // one that hung is killed, and looked at again
          break;
        case 'refuse':
          fail('conflict', `instance ${spec.id} was handed over already: this move cannot be taken back`);
          break;
        case 'clean': {
          if (facts.begun) endCheckpoint(folder);
          await Promise.all([dropRounds(folder), admitted]);
          const { pid, state } = containers.look(spec.id);
          const runs = pid !== 0;
          if (facts.begun && runs) {
            if (state === 'frozen') await containers.thaw(spec.id); // nobody lived to do it
            await containers.attach(spec);
            await untilRunning(ports, spec.id);
          }
          await forget(key, spec);
          if (facts.begun && !runs) throw new AppError('internal', `instance ${spec.id} died during its aborted move`);
          return;
        }
      }
    }
  }

  return {
    sync: (key, spec, target, mode) => alone(key, () => sync(key, spec, target, mode)),
    freeze: (key, spec, target, mode) => alone(key, () => freeze(key, spec, target, mode)),
    async issuePages(key) {
      await expectHeld(key);
      return ports.pages.issue(key);
    },
    async acceptPages(channel, params) {
      const key = keyOf(params, 'source');
      await expectHeld(key);
      const { images, issue } = { images: imagesIn(folderOf(root, key)), issue: () => ports.pages.issue(key).token };
      await servePages(channel, { images, issue, members: containers.members(key.instance) });
    },
    commit: (key, spec) => alone(key, () => commit(key, spec)),
    async abort(key, spec) {
      // A freeze that is under way ends at once by this, and has let go of the lock then.
      if (nextAbort(readFacts(folderOf(root, key))) === 'say-back') say(folderOf(root, key), 'verdict', 'back');
      await outgoing.get(folderOf(root, key))?.cancel();
      await alone(key, () => takeBack(key, spec));
    },
  };
}

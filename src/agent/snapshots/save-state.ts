/**
 * Saves the memory and the processes of a running instance, which then ends or goes on. CRIU's hook after the dump holds
 * it still until we say which, so its volume can be made safe at the very moment that the images are of.
 */
import { rm } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import { checkpointFailure, startCheckpoint } from '../criu/checkpoint.ts';
import { mendImages } from '../criu/mend-images.ts';
import { dumpOptions } from '../criu/options.ts';
import type { Host } from '../host.ts';
import { idMapOf } from '../instance-files.ts';
import type { LedgerEntry } from '../ledger.ts';
import { awaitFacts } from '../move/await-facts.ts';
import type { Facts } from '../move/facts.ts';
import { furnish, imagesIn, say } from '../move/folder.ts';
import { containersOf } from '../move/host-ports.ts';
import { sourceState } from '../move/next-source.ts';
import { untilRunning } from '../move/until-running.ts';
import { rootIdOf } from '../storage/id-map.ts';
import { settleDump } from './settle-dump.ts';
import { bytesAt, openToRestore, settle } from './state-folders.ts';

/** Memory goes to the page cache first, and to a slow disk when that is full. */
const DUMP_TIMEOUT_MS = 600_000;
const END_TIMEOUT_MS = 30_000;

export interface SavedState {
  /** Standing still, until it went on or ended. */
  readonly pauseMs: number;
  readonly bytes: number;
}

export interface SaveOrder {
  /** What the state is called, see `state-folders.ts`. */
  readonly state: string;
  /** What becomes of the instance. If anything fails it goes on, whatever was said here. */
  readonly ending: 'end' | 'go-on';
  /** Done while it stands still, after its memory has been written. */
  readonly whileHeld?: () => Promise<void>;
}

/** @throws AppError `unsupported` with CRIU's reasons; the instance runs on then */
export async function saveState(host: Host, { spec }: LedgerEntry, order: SaveOrder): Promise<SavedState> {
  const probe = await host.criu();
  if (!probe.works) fail('unsupported', `this host cannot save a running instance: ${probe.reason}`);
  await settleDump(host, spec);
  const containers = containersOf(host);
  const folder = await host.states.work(spec.id, 'dump');
  const images = imagesIn(folder);
  try {
    await furnish(folder, dumpOptions('stop-and-copy'), containers.nics(spec), { ending: order.ending });
    say(folder, 'door', 'go'); // no client waits for what is kept here
    const direct = await containers.direct(spec.id);
    startCheckpoint({ verb: 'dump', folder, criu: host.criuPath, lxcPath: containers.lxcPath, name: spec.id, direct });
    const held = await untilHeld(folder);
    mendImages(images);
    openToRestore(images, rootIdOf(idMapOf(host, spec)));
    if (order.ending === 'end') await settle(images);
    await order.whileHeld?.();
    say(folder, 'verdict', order.ending === 'end' ? 'go' : 'back');
    const over = (facts: Facts) => ['gone', 'resumed', 'broken'].includes(sourceState(facts));
    const ended = await awaitFacts(folder, over, { timeoutMs: END_TIMEOUT_MS, what: 'ending the dump' });
    if (order.ending === 'go-on') {
      await containers.attach(spec);
      await untilRunning({ containers, clock: host.clock }, spec.id);
    } else if (sourceState(ended) === 'gone') {
      await host.runtime.kill(spec.id); // nothing runs: what is left of it goes
    } else throw await checkpointFailure('dump', folder);
    const pauseMs = host.clock.now() - (held.stages.get('freeze') ?? host.clock.now());
    if (order.ending === 'go-on') await settle(images);
    const bytes = bytesAt(images);
    await host.states.publish(images, spec.id, order.state);
    return { pauseMs, bytes };
  } catch (error) {
    await settleDump(host, spec);
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function untilHeld(folder: string): Promise<Facts> {
  const over = (facts: Facts) => !['idle', 'freezing'].includes(sourceState(facts));
  const facts = await awaitFacts(folder, over, { timeoutMs: DUMP_TIMEOUT_MS, what: 'saving the instance' });
  if (sourceState(facts) !== 'held') throw await checkpointFailure('dump', folder);
  return facts;
}

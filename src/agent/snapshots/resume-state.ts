/**
 * Lets a stopped instance go on where its kept state was made. A restore that fails leaves it stopped and the state where
 * it is; one that worked uses it up, for what runs changes the volume that the state belongs to.
 */
import { existsSync } from 'node:fs';
import { rm, symlink } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import { checkpointFailure, startCheckpoint } from '../criu/checkpoint.ts';
import { restoreOptions } from '../criu/options.ts';
import type { Host } from '../host.ts';
import type { LedgerEntry } from '../ledger.ts';
import { awaitFacts } from '../move/await-facts.ts';
import { type Facts, readFacts } from '../move/facts.ts';
import { furnish, imagesIn, say } from '../move/folder.ts';
import { containersOf } from '../move/host-ports.ts';
import { targetState } from '../move/next-target.ts';
import { untilRunning } from '../move/until-running.ts';
import type { Spec } from '../spec.ts';
import { instanceVolume } from '../storage/volume.ts';
import { STOPPED_STATE } from './state-folders.ts';

/** Memory comes from a disk. */
const RESTORE_TIMEOUT_MS = 600_000;
const END_TIMEOUT_MS = 30_000;

/** @throws AppError `conflict` if there is no state, `unsupported` with CRIU's reasons */
export async function resumeState(host: Host, { spec, pool }: LedgerEntry): Promise<void> {
  if (!host.states.has(spec.id, STOPPED_STATE)) fail('conflict', `instance ${spec.name} has no saved state`);
  const probe = await host.criu();
  if (!probe.works) fail('unsupported', `this host cannot restore an instance: ${probe.reason}`);
  await settleResume(host, spec);
  if (host.runtime.look(spec.id).pid !== 0) return; // it had been resumed
  const containers = containersOf(host);
  const folder = await host.states.work(spec.id, 'restore');
  const rootfs = await host.pools.get(pool).activate(instanceVolume(spec.id));
  await symlink(host.states.path(spec.id, STOPPED_STATE), imagesIn(folder));
  const plug = await containers.prepare(spec, rootfs);
  await furnish(folder, restoreOptions('stop-and-copy'), containers.nics(spec), {
    plug: `${plug}\n`,
    rootfs: `${rootfs}\n`,
  });
  say(folder, 'images', 'go');
  say(folder, 'verdict', 'go');
  startCheckpoint({ verb: 'restore', folder, criu: host.criuPath, lxcPath: containers.lxcPath, name: spec.id });
  const facts = await awaitFacts(folder, isOver, { timeoutMs: RESTORE_TIMEOUT_MS, what: 'restoring the instance' });
  const failure = targetState(facts) === 'running' ? undefined : await checkpointFailure('restore', folder);
  await settleResume(host, spec);
  if (failure !== undefined) throw failure;
}

/** Completes or clears away a restore that has ended, or that an agent before this one began. Repeatable. */
export async function settleResume(host: Host, spec: Spec): Promise<void> {
  const folder = host.states.path(spec.id, '.restore');
  if (!existsSync(folder)) return;
  const begun = readFacts(folder).begun;
  if (begun) await awaitFacts(folder, isOver, { timeoutMs: END_TIMEOUT_MS, what: 'ending a restore' });
  if (begun && targetState(readFacts(folder)) === 'running' && host.runtime.look(spec.id).pid !== 0) {
    const containers = containersOf(host);
    await Promise.all([containers.settle(spec), containers.attach(spec)]);
    await untilRunning({ containers, clock: host.clock }, spec.id);
    await host.states.remove(spec.id, STOPPED_STATE);
  } else {
    await containersOf(host).clear(spec);
  }
  await rm(folder, { recursive: true, force: true });
}

const isOver = (facts: Facts): boolean => ['running', 'failed', 'broken'].includes(targetState(facts));

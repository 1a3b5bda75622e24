/**
 * The verbs on instances. Each is repeatable, refuses an older generation, and leaves nothing half-made: what it had
 * not finished it removes, and what a crash left is completed or removed by the same verb said again.
 */
import { AppError, fail } from '../domain/errors.ts';
import type { Wanted } from '../domain/instance.ts';
import { parseBytes } from '../domain/size.ts';
import { applyLimits } from './apply-limits.ts';
import { type BackupOrder, makeFromBackup } from './backups/backups.ts';
import { reshape } from './devices/reshape.ts';
import { unstageAll } from './devices/staging.ts';
import { hastenCgroupMoves } from './hasten-cgroup-moves.ts';
import type { Host } from './host.ts';
import { idMapOf, pinCpus, writeInstanceFiles } from './instance-files.ts';
import { type LedgerEntry, sure } from './ledger.ts';
import { haltSignalOf } from './lxc/init-type.ts';
import type { Seen } from './lxc/look.ts';
import { nextAction } from './next-action.ts';
import { filterCards } from './nic/card-filter.ts';
import { planNics } from './nic/plan.ts';
import { reshapeNics } from './nic/reshape-nics.ts';
import type { Report } from './progress.ts';
import { type CopyOrder, copyRoot } from './snapshots/copy-root.ts';
import { resumeState } from './snapshots/resume-state.ts';
import { saveState } from './snapshots/save-state.ts';
import { STOPPED_STATE } from './snapshots/state-folders.ts';
import { isPrivileged, type Ref, rootDisk, type Spec } from './spec.ts';
import type { StorageDriver } from './storage/driver.ts';
import { instanceVolume } from './storage/volume.ts';

/** Default for a clean shutdown, as in LXD. */
const SHUTDOWN_TIMEOUT_MS = 30_000;

/**
 * Makes its root and records it as ours; it is stopped afterwards if it is new.
 * @param copy what its root is a copy of @param backup the archive that it comes from; without both: its image
 */
export async function ensureInstance(
  host: Host,
  spec: Spec,
  report: Report,
  copy?: CopyOrder,
  backup?: BackupOrder,
): Promise<void> {
  await host.locks.run(spec.id, async () => {
    admit(host, spec);
    planNics(spec, host.config.bridge); // what cannot be plugged is refused now, not at the first start
    const pool = poolOf(spec);
    const driver = host.pools.get(pool);
    const volume = instanceVolume(spec.id);
    const known = host.ledger.get(spec.id);
    if (!(known && (await driver.exists(volume)))) {
      try {
        await makeRoot(host, driver, spec, report, copy, backup);
      } catch (thrown) {
        await driver.remove(volume);
        throw thrown;
      }
    }
    const entry = { spec, pool, wanted: known?.wanted ?? 'stopped', cpus: known?.cpus ?? [] } as const;
    await host.ledger.put(entry);
  });
}

/** Takes over a changed configuration: at once what can be changed live, the rest when it starts next. */
export async function ensureConfig(host: Host, spec: Spec): Promise<void> {
  await host.locks.run(spec.id, async () => {
    admit(host, spec);
    const entry = host.ledger.expect(spec);
    const cards = planNics(spec, host.config.bridge);
    if (isPrivileged(spec.config) !== isPrivileged(entry.spec.config)) {
      fail('unsupported', 'security.privileged cannot be changed: the owners of all files would have to; make it anew');
    }
    const driver = host.pools.get(entry.pool);
    await setQuota(driver, spec);
    const cpus = pinCpus(host, spec);
    const { pid } = host.runtime.look(spec.id);
    if (pid !== 0) {
      applyLimits(host, spec, cpus);
      await reshapeNics(await host.runtime.folder(spec.id), pid, planNics(entry.spec, host.config.bridge), cards);
      // CRIU finds what was plugged in by the configuration, and so does a reboot from inside.
      if (await reshape(host, entry, spec))
        await writeInstanceFiles(host, spec, await driver.activate(instanceVolume(spec.id)), cpus);
    } else if (spec.name !== entry.spec.name) {
      await host.images.render(spec, 'rename', await driver.activate(instanceVolume(spec.id)), idMapOf(host, spec));
    }
    await host.ledger.put(sure({ ...entry, spec, cpus }));
  });
}

export interface StateRequest {
  readonly wanted: Wanted;
  readonly force: boolean;
  /** Stopped: its memory and processes are kept. Running: it goes on with them. */
  readonly stateful: boolean;
  /** For a clean shutdown; negative = the default of 30 s. */
  readonly timeoutMs: number;
  /** What to run, when it is to be started; default: what is recorded. */
  readonly spec?: Spec;
}

export async function ensureState(host: Host, ref: Ref, request: StateRequest): Promise<Seen> {
  if (request.wanted === 'running') hastenCgroupMoves();
  return host.locks.run(ref.id, async () => {
    admit(host, ref);
    const known = host.ledger.expect(ref);
    const entry = { ...known, wanted: request.wanted, ...(request.spec ? { spec: request.spec } : {}) };
    if (known.wanted !== request.wanted) await host.ledger.put(entry);
    for (;;) {
      const seen = host.runtime.look(ref.id);
      switch (nextAction(request.wanted, seen.state)) {
        case 'done':
          if (seen.pid === 0) {
            await host.fileDoors.end(ref.id); // what they saw is gone
            await unstageAll(host, ref.id);
          }
          await settleState(host, entry, request);
          return seen;
        case 'start':
          await (request.stateful ? resumeState(host, entry) : startInstance(host, entry));
          break;
        case 'stop':
          if (request.stateful) await saveState(host, entry, { state: STOPPED_STATE, ending: 'end' });
          else await stopInstance(host, entry, request);
          break;
        case 'freeze':
          await host.runtime.freeze(ref.id);
          break;
        case 'thaw':
          await host.runtime.thaw(ref.id);
      }
    }
  });
}

/** What runs has used its state up, or was started without it. What was to be kept must be there, and nothing else. */
async function settleState(host: Host, { spec, wanted }: LedgerEntry, { stateful }: StateRequest): Promise<void> {
  if (wanted !== 'stopped' || !stateful) return host.states.remove(spec.id, STOPPED_STATE);
  if (!host.states.has(spec.id, STOPPED_STATE)) {
    fail('conflict', `instance ${spec.name} stopped by itself before its memory and processes were saved`);
  }
}

/** Nothing of it is left here afterwards, wherever it was left. */
export async function ensureNoInstance(host: Host, ref: Ref): Promise<void> {
  await host.locks.run(ref.id, async () => {
    admit(host, ref);
    await host.fileDoors.end(ref.id);
    await host.runtime.remove(ref.id);
    await unstageAll(host, ref.id);
    const known = host.ledger.get(ref.id);
    if (known) await filterCards([], planNics(known.spec, host.config.bridge));
    // Also where it does not exist any more: a removal that was broken off left something of it.
    for (const driver of poolsThatMayHold(host, ref.id)) await driver.remove(instanceVolume(ref.id));
    await host.states.removeAll(ref.id);
    host.diskUsage.forget(ref.id);
    await host.ledger.remove(ref.id);
  });
}

/** All of them, for a move that was broken off may have left it anywhere. A broken pool stands in the way only of its own. */
function poolsThatMayHold(host: Host, id: string): readonly StorageDriver[] {
  const own = host.ledger.get(id)?.pool;
  return host.pools.names().flatMap(name => {
    try {
      return [host.pools.get(name)];
    } catch (thrown) {
      if (name === own) throw thrown;
      return [];
    }
  });
}

function admit(host: Host, ref: Ref): void {
  host.ledger.refuseOlder(ref);
  if (host.isMoving(ref.id)) fail('busy', `instance ${ref.id} is being moved`);
}

async function makeRoot(
  host: Host,
  driver: StorageDriver,
  spec: Spec,
  report: Report,
  copy: CopyOrder | undefined,
  backup: BackupOrder | undefined,
): Promise<void> {
  const volume = instanceVolume(spec.id);
  const idMap = idMapOf(host, spec);
  await driver.remove(volume); // of an earlier try
  if (copy !== undefined) {
    report({ phase: 'clone' });
    await copyRoot(host, driver, spec, copy);
  } else if (backup !== undefined) {
    report({ phase: 'unpack' });
    await makeFromBackup(host, driver, spec, backup);
  } else if (spec.image === '') {
    await driver.createEmpty(volume, idMap);
  } else {
    const image = { fingerprint: spec.image, idMap };
    if (!(await driver.hasImage(image))) report({ phase: 'unpack' });
    await driver.ensureImage(image, folder => host.images.unpack(spec.image, folder, idMap));
    report({ phase: 'clone' });
    await driver.createFromImage(volume, image);
  }
  // A new volume has no limit that would have to be lifted; asking btrfs costs more than making the volume.
  if (rootDisk(spec.devices)?.options.size) await setQuota(driver, spec);
  await host.images.render(
    spec,
    copy === undefined && backup === undefined ? 'create' : 'copy',
    await driver.activate(volume),
    idMap,
  );
}

/** A limit that this kind of pool cannot hold is refused; lifting one always works. */
export async function setQuota(driver: StorageDriver, spec: Spec): Promise<void> {
  const size = rootDisk(spec.devices)?.options.size;
  await driver.setQuota(instanceVolume(spec.id), size ? parseBytes('size', size) : undefined);
}

async function startInstance(host: Host, entry: LedgerEntry): Promise<void> {
  const { spec, pool } = entry;
  await host.fileDoors.end(spec.id); // they see its root without what it mounts
  const rootfs = await host.pools.get(pool).activate(instanceVolume(spec.id));
  const cpus = pinCpus(host, spec);
  await host.images.render(spec, 'start', rootfs, idMapOf(host, spec));
  await writeInstanceFiles(host, spec, rootfs, cpus);
  await host.ledger.put(sure({ ...entry, cpus }));
  const seen = await host.runtime.start(spec.id, spec.name);
  if (seen.pid !== 0) return;
  const said = (await host.runtime.log(spec.id)).trim();
  throw new AppError('internal', `instance ${spec.name} ended as soon as it was started`, said);
}

async function stopInstance(host: Host, entry: LedgerEntry, request: StateRequest): Promise<void> {
  const { id } = entry.spec;
  if (request.force) return host.runtime.kill(id);
  const rootfs = await host.pools.get(entry.pool).activate(instanceVolume(id));
  const timeoutMs = request.timeoutMs < 0 ? SHUTDOWN_TIMEOUT_MS : request.timeoutMs;
  await host.runtime.shutdown(id, await haltSignalOf(rootfs), timeoutMs);
}

function poolOf(spec: Spec): string {
  const root = rootDisk(spec.devices);
  if (root === undefined) fail('invalid', 'no root device: add a disk with path "/" and a pool');
  if (!root.options.pool) fail('invalid', `device "${root.name}": pool is missing`);
  return root.options.pool;
}

/**
 * What this host owns: one JSON file an instance. It outlives the agent and says, before any controller calls, which
 * generation of which instance may run here. Generations only rise, so a controller with old news is refused.
 */
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../domain/errors.ts';
import type { Devices, Wanted } from '../domain/instance.ts';
import { syncFolder, writeAtomically } from './atomic-file.ts';
import type { Ref, Spec } from './spec.ts';

export interface LedgerEntry {
  readonly spec: Spec;
  readonly wanted: Wanted;
  /** Pool that holds the root. */
  readonly pool: string;
  /** CPUs of this host it was pinned to, for `limits.cpu` as a count; empty = any. */
  readonly cpus: readonly number[];
  /** Devices that changes which were broken off may have left in it; only while it runs. See `devices/reshape.ts`. */
  readonly unsure?: readonly Devices[];
}

export interface Ledger {
  get(id: string): LedgerEntry | undefined;
  list(): readonly LedgerEntry[];
  /** On disk when it returns. Refuses a generation older than the recorded one. */
  put(entry: LedgerEntry): Promise<void>;
  remove(id: string): Promise<void>;
  /** The entry of exactly this ownership. @throws AppError `not-found`, or `conflict` for an older generation. */
  expect(ref: Ref): LedgerEntry;
  /** @throws AppError `conflict` if a newer ownership is recorded; an unknown id passes. */
  refuseOlder(ref: Ref): void;
}

/** Reads the whole folder; afterwards reads are answered from memory and writes go through to the disk. */
export async function openLedger(folder: string): Promise<Ledger> {
  const entries = new Map<string, LedgerEntry>();
  for (const name of await readdir(folder)) {
    if (name.endsWith('.tmp')) await rm(join(folder, name), { force: true });
    if (!name.endsWith('.json')) continue;
    const entry = JSON.parse(await readFile(join(folder, name), 'utf8')) as LedgerEntry;
    entries.set(entry.spec.id, entry);
  }

  const refuseOlder = ({ id, generation }: Ref): void => {
    const known = entries.get(id)?.spec.generation ?? 0;
    if (generation < known) {
      fail(
        'conflict',
        `generation ${generation} of instance ${id} is older than ${known}, which this host has recorded`,
      );
    }
  };

  return {
    get: id => entries.get(id),
    list: () => [...entries.values()],
    refuseOlder,
    expect(ref) {
      refuseOlder(ref);
      const entry = entries.get(ref.id);
      if (entry === undefined || entry.spec.generation !== ref.generation) {
        fail('not-found', `instance ${ref.id}, generation ${ref.generation}, is not on this host`);
      }
      return entry;
    },
    async put(entry) {
      refuseOlder(entry.spec);
      await writeAtomically(join(folder, `${entry.spec.id}.json`), JSON.stringify(entry));
      entries.set(entry.spec.id, entry);
    },
    async remove(id) {
      await rm(join(folder, `${id}.json`), { force: true });
      await syncFolder(folder);
      entries.delete(id);
    },
  };
}

/** The entry of one whose devices are known to be those of its spec. */
export function sure({ unsure: _, ...entry }: LedgerEntry): LedgerEntry {
  return entry;
}

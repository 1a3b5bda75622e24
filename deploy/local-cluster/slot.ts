/**
 * Which slots are taken, and by whom: one small file a slot under /run, made atomically, gone after a reboot like all
 * that it speaks of. A slot's file is the last thing to go, so whatever exists of a cluster has a file that names it.
 */
import { linkSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../src/domain/errors.ts';
import { SLOT_COUNT } from './layout.ts';
import { isAlive, type ProcessId, processId } from './process.ts';

const FOLDER = '/run/berth-dev';

export interface SlotRecord {
  readonly slot: number;
  /** The cluster's folder, absolute. */
  readonly dir: string;
  /** The cluster ends with this process; `detached`: it lives until somebody takes it down. */
  readonly owner: ProcessId | 'detached';
}

/** Takes a free slot for the cluster in `dir`, owned by this process. */
export function claimSlot(dir: string): SlotRecord {
  for (let slot = 0; slot < SLOT_COUNT; slot++) {
    const record = claimThisSlot(slot, dir);
    if (record) return record;
  }
  return fail('exhausted', `all ${SLOT_COUNT} slots for local clusters are taken: run "npm run clean"`);
}

/** undefined if somebody has it. */
export function claimThisSlot(slot: number, dir: string): SlotRecord | undefined {
  const record = { slot, dir, owner: processId(process.pid)! };
  return create(record) ? record : undefined;
}

/** From now on the cluster lives on without us. */
export function detachSlot(record: SlotRecord): void {
  replace({ ...record, owner: 'detached' });
}

/** From now on the cluster is ours to end: nobody else clears it away meanwhile. */
export function adoptSlot(record: SlotRecord): void {
  replace({ ...record, owner: processId(process.pid)! });
}

export function releaseSlot(slot: number): void {
  rmSync(fileOf(slot), { force: true });
}

export function listSlots(): readonly SlotRecord[] {
  mkdirSync(FOLDER, { recursive: true });
  return readdirSync(FOLDER)
    .filter(name => /^\d+\.json$/.test(name))
    .flatMap(name => read(join(FOLDER, name)))
    .sort((a, b) => a.slot - b.slot);
}

/** Is whoever was to end this cluster gone? */
export function isAbandoned(record: SlotRecord): boolean {
  return record.owner !== 'detached' && !isAlive(record.owner);
}

function replace(record: SlotRecord): void {
  const temporary = temporaryName(record.slot);
  writeFileSync(temporary, JSON.stringify(record));
  renameSync(temporary, fileOf(record.slot));
}

function create(record: SlotRecord): boolean {
  mkdirSync(FOLDER, { recursive: true });
  const temporary = temporaryName(record.slot);
  writeFileSync(temporary, JSON.stringify(record));
  try {
    linkSync(temporary, fileOf(record.slot)); // fails if it exists; nobody ever reads half a file
    return true;
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw thrown;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function read(path: string): SlotRecord[] {
  try {
    return [JSON.parse(readFileSync(path, 'utf8'))];
  } catch {
    return []; // released in between
  }
}

function fileOf(slot: number): string {
  return join(FOLDER, `${slot}.json`);
}

function temporaryName(slot: number): string {
  return join(FOLDER, `.${slot}.${process.pid}`);
}

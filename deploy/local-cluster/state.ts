/**
 * What is known of a running local cluster, as it lies in DIR/state.json: enough for another process to go on with it.
 * Taking a cluster down does not depend on it.
 */
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail } from '../../src/domain/errors.ts';
import type { HostProcesses, StorageDriver } from './host-namespace.ts';
import type { ProcessId } from './process.ts';

/** The command lines that a cluster's own programs begin with; arguments are added. */
export interface Programs {
  readonly controller: readonly string[];
  readonly agent: readonly string[];
}

export interface ClusterState {
  readonly slot: number;
  /** Absolute. */
  readonly dir: string;
  readonly port: number;
  readonly storage: StorageDriver;
  readonly etcdMembers: number;
  readonly programs: Programs;
  /** By host name, in order. */
  readonly hosts: Readonly<Record<string, HostProcesses>>;
  readonly controller: ProcessId | undefined;
  /** By host name. */
  readonly agents: Readonly<Record<string, ProcessId>>;
  /** By member number. */
  readonly etcd: Readonly<Record<number, ProcessId>>;
}

export function writeState(state: ClusterState): void {
  const path = join(state.dir, FILE);
  writeFileSync(`${path}.new`, `${JSON.stringify(state, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

/** @throws AppError `not-found` if no cluster was started in `dir` */
export function readState(dir: string): ClusterState {
  try {
    return JSON.parse(readFileSync(join(dir, FILE), 'utf8'));
  } catch {
    return fail('not-found', `no local cluster in ${dir}: start one with "npm run dev -- up"`);
  }
}

const FILE = 'state.json';

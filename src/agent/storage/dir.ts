/**
 * Pools on any file system: a tree is a plain folder, a copy is a copy (block sharing where the file system can).
 * No limits of size. For hosts that have nothing better.
 */
import { mkdir } from 'node:fs/promises';
import { fail } from '../../domain/errors.ts';
import { run } from '../command.ts';
import type { TreeOps } from './tree-ops.ts';

/** Copying and deleting large trees on slow disks. */
const LONG_MS = 3_600_000;

export const dirTrees: TreeOps = {
  transferMethods: ['tree'],
  copiesAreAtomic: false,

  async check() {},

  async make(path) {
    await mkdir(path, { mode: 0o755 });
  },

  async copy(from, to) {
    await run('cp', ['-a', '--reflink=auto', from, to], { timeoutMs: LONG_MS });
    await dirTrees.settle(to);
  },

  async remove(path) {
    // Not node's rm: names need not be valid UTF-8.
    await run('rm', ['-rf', '--one-file-system', '--', path], { timeoutMs: LONG_MS });
  },

  async settle(path) {
    await run('sync', ['-f', path], { timeoutMs: LONG_MS });
  },

  async usageBytes(path) {
    const { stdout } = await run('du', ['-sxB1', path], { timeoutMs: LONG_MS });
    return Number.parseInt(stdout, 10);
  },

  async setQuota(_path, bytes) {
    if (bytes === undefined) return;
    fail(
      'unsupported',
      'A pool of driver "dir" cannot limit the size of a volume: use a btrfs pool, or leave "size" out',
    );
  },
};

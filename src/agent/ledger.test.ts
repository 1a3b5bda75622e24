import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { AppError } from '../domain/errors.ts';
import { type LedgerEntry, openLedger } from './ledger.ts';

const id = '0b6e1c5e-7f43-4d0b-9d4c-111111111111';
const entryOf = (generation: number): LedgerEntry => ({
  spec: {
    id,
    generation,
    name: 'c1',
    project: 'default',
    architecture: 'x86_64',
    ephemeral: false,
    config: { 'limits.cpu': '1' },
    devices: {},
    image: '',
    createdAt: 1,
  },
  wanted: 'running',
  pool: 'default',
  cpus: [1],
});
const code = (expected: string) => (error: AppError) => error.code === expected;

describe('ledger', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'berth-ledger-'));
  });
  after(() => rm(folder, { recursive: true }));

  it('is found again by the next agent, and what a crash left half-written is not', async () => {
    await (await openLedger(folder)).put(entryOf(3));
    await writeFile(join(folder, `${id}.json.99.1.tmp`), '{"spec":');
    const ledger = await openLedger(folder);
    assert.deepEqual(ledger.get(id), entryOf(3));
    assert.deepEqual(await readdir(folder), [`${id}.json`]);
  });

  it('refuses an older generation, whoever brings it', async () => {
    const ledger = await openLedger(folder);
    await assert.rejects(ledger.put(entryOf(2)), code('conflict'));
    assert.throws(() => ledger.expect({ id, generation: 2 }), code('conflict'));
    assert.throws(() => ledger.refuseOlder({ id, generation: 2 }), /generation 2 .* is older than 3/);
    assert.equal(ledger.expect({ id, generation: 3 }).wanted, 'running');
  });

  it('does not know a newer generation that nobody has brought', async () => {
    const ledger = await openLedger(folder);
    assert.throws(() => ledger.expect({ id, generation: 4 }), code('not-found'));
    ledger.refuseOlder({ id, generation: 4 });
  });

  it('forgets what is removed', async () => {
    const ledger = await openLedger(folder);
    await ledger.remove(id);
    await ledger.remove(id);
    assert.deepEqual((await openLedger(folder)).list(), []);
  });
});

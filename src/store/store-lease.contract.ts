/** The contract of leases: what they bind, and when they end. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Context } from './store.contract.ts';
import { isChangeOf, recorder } from './test-recorder.ts';

export function leaseContract(at: Context): void {
  describe('leases', () => {
    it('take their keys with them when released, in one revision', async () => {
      const lease = await at.store.lease(5000);
      const bound = await at.commit(
        { put: 'l/a', value: '1', lease: lease.id },
        { put: 'l/b', value: '2', lease: lease.id },
        { put: 'l/free', value: '3' },
      );
      await at.commit({ put: 'l/b', value: '4' });
      const seen = recorder(at.watch('l/', bound + 1n));
      const rebound = await at.commit({ put: 'l/c', value: '5', lease: lease.id });
      await lease.release();
      await lease.lost;
      await seen.until(isChangeOf('l/c', 'delete'));
      assert.deepEqual(await at.keysOf('l/'), ['l/b', 'l/free']);
      const deletes = seen.events.filter(event => event.kind === 'delete');
      assert.deepEqual(
        deletes.map(event => event.key),
        ['l/a', 'l/c'],
      );
      assert.equal(deletes[0]!.revision, deletes[1]!.revision);
      assert.ok(deletes[0]!.revision > rebound);
      await lease.release(); // a second time is no harm
    });

    it('that are gone bind nothing: such a transaction does not happen', async () => {
      const lease = await at.store.lease(5000);
      await lease.release();
      const writes = [
        { put: 'a', value: 'x', lease: lease.id },
        { put: 'b', value: 'x' },
      ];
      await assert.rejects(at.store.commit({ guards: [], writes }), { code: 'not-found' });
      assert.deepEqual(await at.keysOf(''), []);
    });

    it('end when their client closes, and not those of others', async () => {
      const other = await at.subject.connect();
      const [mine, theirs] = [await at.store.lease(60_000), await other.lease(60_000)];
      await at.commit({ put: 'mine', value: 'x', lease: mine.id }, { put: 'theirs', value: 'x', lease: theirs.id });
      await other.close();
      await theirs.lost;
      assert.deepEqual(await at.keysOf(''), ['mine']);
    });
  });
}

/** Usage of many instances: from what hosts tell by themselves, asked for only where they did not. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { AppError } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { systemClock } from '../../kit/clock.ts';
import type { AgentClient } from '../../rpc/agent-services.ts';
import { openStateCache } from './state-cache.ts';

const record = (id: string, node = 'n1') => ({ id, node, generation: 1 }) as InstanceRecord;

/** Tells of `a` once and then stays silent; `b` must be asked for. */
function agentOf(calls: string[]): AgentClient {
  return {
    async *observeUsage() {
      calls.push('observe');
      yield { instances: [{ id: 'a', generation: 1n, state: { processes: 3 } }] };
      await new Promise(() => {});
    },
    getInstanceState: async ({ id }: { id: string }) => {
      calls.push(`ask ${id}`);
      return { processes: 7, status: { state: 'running' } };
    },
  } as unknown as AgentClient;
}

describe('what instances use', () => {
  it('is told by the host, and asked for where it was not told yet', async () => {
    const calls: string[] = [];
    const agent = agentOf(calls);
    const states = openStateCache({ of: () => agent }, systemClock);
    for (let round = 0; round < 2; round += 1) {
      const all = await states.all([record('a'), record('b')]);
      assert.equal(all.get('a')?.processes, 3);
      assert.equal(all.get('b')?.processes, 7);
      assert.equal(all.get('b')?.status, undefined, 'whether it runs is told by the view');
    }
    assert.deepEqual(calls, ['observe', 'ask b']);
  });

  it('costs the details of its instances, not the list, when a host is away', async () => {
    const away = () => {
      throw new AppError('unavailable', 'node n2 cannot be reached');
    };
    const agent = agentOf([]);
    const states = openStateCache({ of: node => (node === 'n1' ? agent : away()) }, systemClock);
    const all = await states.all([record('a'), record('c', 'n2')]);
    assert.equal(all.get('a')?.processes, 3);
    assert.equal(all.has('c'), false);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { InstanceRecord } from '../../domain/instance.ts';
import { openMemoryStore } from '../../store/memory-store.ts';
import { openView } from '../../store/view.ts';
import { INSTANCES } from '../spaces.ts';
import { kindOf, kindsByNode } from './kinds.ts';

const some = fc.record({
  name: fc.constantFrom('a', 'b', 'c', 'd'),
  node: fc.constantFrom('', 'n1', 'n2'),
  to: fc.constantFrom(undefined, 'n1', 'n2'),
  image: fc.constantFrom('x', 'y'),
  gone: fc.boolean(),
});

test('what is kept by changes is what a count anew gives', () =>
  fc.assert(
    fc.asyncProperty(fc.array(some, { maxLength: 20 }), async events => {
      const store = openMemoryStore();
      const end = new AbortController();
      const view = await openView(store, [INSTANCES.prefix], end.signal);
      const kept = kindsByNode(view);
      for (const { name, node, to, image, gone } of events) {
        const key = INSTANCES.key('default', name);
        const record = {
          name,
          node,
          image,
          profiles: ['p'],
          ...(to && { moving: { to } }),
        } as unknown as InstanceRecord;
        const { revision } = await store.commit({
          guards: [],
          writes: [gone ? INSTANCES.delete(key) : INSTANCES.put(key, record)],
        });
        await view.reached(revision);
      }
      const anew = new Map<string, number>();
      for (const { value } of view.list(INSTANCES))
        for (const node of [value.node, value.moving?.to ?? ''])
          if (node !== '') anew.set(`${node} ${kindOf(value)}`, (anew.get(`${node} ${kindOf(value)}`) ?? 0) + 1);
      const flat = [...kept].flatMap(([node, kinds]) => [...kinds].map(([kind, n]) => [`${node} ${kind}`, n] as const));
      assert.deepEqual(new Map(flat.toSorted()), new Map([...anew].toSorted()));
      end.abort();
    }),
    { numRuns: 60 },
  ));

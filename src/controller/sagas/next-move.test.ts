import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Budget, fullHosts, type Move, nextMove, nextWay } from './next-move.ts';

const budget = { perHost: 2, total: 4 };
const move = (text: string): Move => ({ from: text.split('>')[0]!, to: text.split('>')[1]! });
const waiting = (text: string, fits = true) => ({ ...move(text), text, fits: () => fits });

describe('the next move', () => {
  for (const [what, wait, underWay, expected] of [
    ['is the first when nothing is under way', ['n1>', 'n1>n2'], [], 'n1>'],
    ['waits while its source gives as much as it may', ['n1>'], ['n1>n2', 'n1>n3'], undefined],
    ['lets one from another source pass', ['n1>n4', 'n2>n4'], ['n1>n3', 'n1>n3'], 'n2>n4'],
    ['waits while its target takes as much as it may', ['n1>n3'], ['n2>n3', 'n4>n3'], undefined],
    ['counts what a host takes and gives together', ['n1>n3'], ['n2>n1', 'n1>n4'], undefined],
    ['waits while the cluster moves as much as it may', ['n9>n8'], ['n1>n2', 'n1>n2', 'n3>n4', 'n3>n4'], undefined],
    ['waits while one that has begun could go anywhere', ['n1>n2'], ['n3>'], undefined],
  ] as const) {
    it(what, () => {
      const next = nextMove(
        wait.map(text => waiting(text)),
        underWay.map(move),
        budget,
      );
      assert.equal(next?.text, expected);
    });
  }

  it('waits when only hosts fit that are full, and lets one pass that fits elsewhere', () => {
    const moves = ['n1>n3', 'n2>n3'].map(move);
    assert.equal(nextMove([waiting('n1>', false)], moves, budget), undefined);
    assert.equal(nextMove([waiting('n1>', false), waiting('n2>', true)], moves, budget)?.text, 'n2>');
  });

  it('never exceeds the budget, and never stops short of it, whatever is asked for', () => {
    const host = fc.constantFrom('n1', 'n2', 'n3', 'n4');
    const moves = fc.array(fc.record({ from: host, to: host }).filter(({ from, to }) => from !== to));
    fc.assert(
      fc.property(moves, fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 6 }), (wanted, perHost, total) => {
        const limits: Budget = { perHost, total };
        let left = wanted.map(each => ({ ...each, fits: () => true }));
        const begun: Move[] = [];
        for (let next = nextMove(left, begun, limits); next !== undefined; next = nextMove(left, begun, limits)) {
          begun.push(next);
          left = left.filter(each => each !== next);
        }
        const load = (name: string) => begun.filter(({ from, to }) => from === name || to === name).length;
        assert.ok(begun.length <= total);
        for (const name of ['n1', 'n2', 'n3', 'n4']) assert.ok(load(name) <= perHost);
        for (const { from, to } of left)
          assert.ok(begun.length === total || load(from) === perHost || load(to) === perHost);
      }),
    );
  });

  it('knows which hosts are full', () => {
    assert.deepEqual(fullHosts(['n1>n2', 'n1>', 'n3>n2'].map(move), budget), ['n1', 'n2']);
  });
});

describe('after a move that did not work', () => {
  const live = { live: true, mayStop: true };
  it('tries the same again when that may help, but not for ever', () => {
    assert.deepEqual(nextWay(live, 1, 'unavailable'), live);
    assert.deepEqual(nextWay(live, 2, 'deadline'), live);
    assert.equal(nextWay({ ...live, mayStop: false }, 3, 'unavailable'), undefined);
  });
  it('stops it for the move where that is allowed', () => {
    assert.deepEqual(nextWay(live, 1, 'unsupported'), { live: false, mayStop: true });
    assert.equal(nextWay({ live: true, mayStop: false }, 1, 'unsupported'), undefined);
    assert.equal(nextWay({ live: false, mayStop: true }, 2, 'exhausted'), undefined);
  });
  it('leaves it alone when somebody called it off, or deleted it', () => {
    assert.equal(nextWay(live, 1, 'cancelled'), undefined);
    assert.equal(nextWay(live, 1, 'not-found'), undefined);
  });
});

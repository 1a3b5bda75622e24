import assert from 'node:assert/strict';
import { it } from 'node:test';
import { WANTED } from '../domain/instance.ts';
import { type Action, nextAction } from './next-action.ts';

/** What each action does to a container when it succeeds. */
const AFTER = { start: 'running', thaw: 'running', freeze: 'frozen', stop: 'stopped' } as const;

it('whatever is wanted is reached from every state in at most two steps, and then nothing is done', () => {
  for (const wanted of WANTED) {
    for (const seen of WANTED) {
      let state: (typeof WANTED)[number] = seen;
      const steps: Action[] = [];
      for (let action = nextAction(wanted, state); action !== 'done'; action = nextAction(wanted, state)) {
        steps.push(action);
        state = AFTER[action];
        assert.ok(steps.length <= 2, `${seen} -> ${wanted}: ${steps}`);
      }
      assert.equal(state, wanted);
    }
  }
});

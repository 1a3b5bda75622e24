/** What follows from a log: tables of small logs and the one thing to do next. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { saga } from './saga.ts';
import { announce, pivotBegun, seenBefore, withEvent } from './saga-log.ts';
import type { LogEvent, SagaRecord } from './saga-record.ts';
import { stepsOf } from './steps-report.ts';

const nothing = async () => {};
const { steps } = saga('test', 1)
  .undoable('a', nothing, nothing)
  .harmless('b', nothing)
  .undoable('c', nothing, nothing)
  .pivot('p', nothing)
  .forward('f', nothing)
  .forward('g', nothing)
  .end();

const base: SagaRecord = {
  id: 'x',
  saga: 'test',
  version: 1,
  input: 'in',
  project: 'default',
  description: '',
  resources: {},
  locks: [],
  createdAt: 0,
  updatedAt: 0,
  claim: { controller: 'a', incarnation: '1' },
  state: 'running',
  log: [],
  metadata: {},
  location: '',
};

/** "a+ a. b!" = a started, a done, b failed; "~" undoing, "-" undone. */
const EVENTS = { '+': 'started', '.': 'done', '!': 'failed', '~': 'undoing', '-': 'undone' } as const;
const record = (text: string, more: Partial<SagaRecord> = {}): SagaRecord =>
  text
    .split(' ')
    .filter(each => each !== '')
    .map((each): LogEvent => {
      const step = each.slice(0, -1);
      const event = EVENTS[each.at(-1) as keyof typeof EVENTS];
      if (event === 'failed') return { step, event, at: 1, code: 'exhausted', message: `${step} failed` };
      return event === 'done' ? { step, event, at: 1, output: step } : { step, event, at: 1 };
    })
    .reduce((before, event) => withEvent(steps, before, event), { ...base, ...more });

const next = (text: string, more: Partial<SagaRecord> = {}) => {
  const { action } = announce(steps, record(text, more), 2);
  return action.kind === 'finish' ? action.state : `${action.kind} ${action.step.name}`;
};

describe('the log of a saga says what is next', () => {
  const CASES: Readonly<Record<string, string>> = {
    '': 'run a',
    'a+': 'run a', // its controller died: again
    'a+ a. b+ b.': 'run c',
    'a+ a. b+ b. c+ c. p+ p.': 'run f',
    'a+ a!': 'undo a', // it may have done half
    'a+ a. b+ b!': 'undo a', // b leaves nothing
    'a+ a. b+ b. c+ c!': 'undo c',
    'a+ a. b+ b. c+ c! c~': 'undo c',
    'a+ a. b+ b. c+ c! c~ c-': 'undo a',
    'a+ a. b+ b. c+ c! c~ c- a~ a-': 'failed',
    'a+ a. b+ b. c+ c. p+ p!': 'undo c', // a pivot that failed did not happen
    'a+ a. b+ b. c+ c. p+ p. f+ f!': 'run g', // forward only: what comes after is still to be done
    'a+ a. b+ b. c+ c. p+ p. f+ f! g+ g.': 'failed',
    'a+ a. b+ b. c+ c. p+ p. f+ f. g+ g.': 'succeeded',
  };
  for (const [log, expected] of Object.entries(CASES)) {
    it(`"${log}" -> ${expected}`, () => assert.equal(next(log), expected));
  }

  it('a cancel before the pivot unwinds, also what is being done', () => {
    assert.equal(next('a+', { cancelRequested: true }), 'undo a');
    assert.equal(next('', { cancelRequested: true }), 'cancelled');
    const undone = { ...record('a+'), cancelRequested: true };
    const { record: unwinding } = announce(steps, undone, 2);
    const end = withEvent(steps, unwinding, { step: 'a', event: 'undone', at: 3 });
    assert.equal(announce(steps, end, 4).record.state, 'cancelled');
  });

  it('a cancel after the pivot was begun is not heeded', () => {
    const log = 'a+ a. b+ b. c+ c. p+';
    assert.equal(next(log, { cancelRequested: true }), 'run p');
    assert.ok(pivotBegun(steps, record(log)));
  });

  it('an event that cannot follow is refused', () => {
    assert.throws(() => record('a.'), /step a cannot be done when it is new/);
    assert.throws(() => record('a+ a. a!'), /step a cannot be failed when it is done/);
    assert.throws(() => record('z+'), /step z cannot be started/);
  });

  it('the first failure is the one that is reported', () => {
    assert.equal(record('a+ a. b+ b. c+ c. p+ p. f+ f! g+ g!').error?.message, 'f failed');
  });

  it('a step sees the input and what was done before it, never its own output', () => {
    const log = record('a+ a. b+ b. c+');
    assert.deepEqual(seenBefore(steps, log, steps[2]!), { input: 'in', a: 'a', b: 'b' });
    assert.deepEqual(seenBefore(steps, log, steps[0]!), { input: 'in' });
  });

  it('is told as steps with their times', () => {
    const log: LogEvent[] = [
      { step: 'a', event: 'started', at: 10 },
      { step: 'a', event: 'done', at: 17 },
      { step: 'b', event: 'started', at: 17 },
      { step: 'b', event: 'failed', at: 20, code: 'exhausted', message: 'full' },
      { step: 'a', event: 'undoing', at: 20 },
    ];
    const time = (at: number) => new Date(at).toISOString();
    assert.deepEqual(stepsOf({ log }), [
      { step: 'a', state: 'undoing', since: time(20), ms: 7 },
      { step: 'b', state: 'failed', since: time(20), ms: 3, error: 'full' },
    ]);
  });
});

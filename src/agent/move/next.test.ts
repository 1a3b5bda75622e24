import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Facts, Word } from './facts.ts';
import { nextAbort as abortSource, nextCommit, sourceState } from './next-source.ts';
import { nextAbort as abortTarget, nextResume, targetState } from './next-target.ts';

const NOTHING: Facts = {
  begun: false,
  alive: false,
  orphaned: false,
  exit: undefined,
  stages: new Map(),
  words: { images: undefined, pages: undefined, door: undefined, verdict: undefined },
};
const at = (...stages: string[]): Facts => ({
  ...NOTHING,
  begun: true,
  alive: true,
  stages: new Map(stages.map(stage => [stage, 0])),
  words: { ...NOTHING.words, door: stages.includes('door') ? undefined : 'go' },
});
const told = (facts: Facts, verdict: Word, images?: Word): Facts => ({
  ...facts,
  words: { ...facts.words, images, verdict },
});
const ended = (facts: Facts, exit: number | undefined): Facts => ({ ...facts, alive: false, exit });

const source: readonly (readonly [string, Facts, ...string[]])[] = [
  //  what the folder says                         state       commit    abort
  ['nothing was begun', NOTHING, 'idle', 'clean', 'clean'],
  ['it stands at the door', at('door'), 'freezing', 'refuse', 'say-back'],
  ['called off by an agent that died', told(at('door'), 'back'), 'freezing', 'refuse', 'say-back'],
  ['the dump began', at('freeze'), 'freezing', 'refuse', 'say-back'],
  ['called off before the gate', told(at('freeze'), 'back'), 'freezing', 'refuse', 'wait'],
  ['it stands at the gate', at('frozen', 'verdict'), 'held', 'say-go', 'say-back'],
  ['told to go', told(at('verdict'), 'go'), 'ending', 'wait', 'refuse'],
  ['told to come back', told(at('verdict'), 'back'), 'ending', 'refuse', 'wait'],
  ['gone', ended(told(at('verdict'), 'go'), 0), 'gone', 'clean', 'refuse'],
  ['come back', ended(told(at('verdict'), 'back'), 1), 'resumed', 'refuse', 'clean'],
  ['CRIU failed', ended(at('freeze'), 1), 'resumed', 'refuse', 'clean'],
  ['CRIU failed after all was saved', ended(at('verdict'), 1), 'resumed', 'clean', 'clean'],
  ['somebody killed it', ended(at('freeze'), undefined), 'broken', 'refuse', 'say-back'],
  ['killed after all was saved', ended(at('verdict'), undefined), 'broken', 'clean', 'say-back'],
  ['killed when it was told to go', ended(told(at('verdict'), 'go'), undefined), 'broken', 'clean', 'refuse'],
  ['killed, and told', ended(told(at('freeze'), 'back'), undefined), 'broken', 'refuse', 'clean'],
];

for (const [what, facts, state, commit, abort] of source) {
  test(`source: ${what}`, () => {
    assert.deepEqual([sourceState(facts), nextCommit(facts), abortSource(facts)], [state, commit, abort]);
  });
}

const released = (facts: Facts): Facts => ({ ...facts, words: { ...facts.words, images: 'go' } });

const target: readonly (readonly [string, Facts, ...string[]])[] = [
  //  what the folder says                         state       resume    abort
  ['nothing was begun', NOTHING, 'idle', 'refuse', 'clean'],
  ['LXC was started', at(), 'arming', 'refuse', 'say-back'],
  ['it waits for the images', at('images'), 'armed', 'refuse', 'say-back'],
  ['the images are there', released(at('images')), 'restoring', 'wait', 'say-back'],
  ['lxc-checkpoint was killed while CRIU waits', { ...at('images'), orphaned: true }, 'failed', 'refuse', 'clean'],
  ['and when it had restored it', { ...released(at('images', 'verdict')), orphaned: true }, 'failed', 'again', 'clean'],
  ['it stands at the gate', released(at('images', 'verdict')), 'held', 'say-go', 'say-back'],
  ['told to go', told(at('images', 'verdict'), 'go', 'go'), 'ending', 'wait', 'refuse'],
  ['told to come back', told(at('images', 'verdict'), 'back', 'go'), 'ending', 'refuse', 'wait'],
  ['it runs', ended(told(at('images', 'verdict'), 'go', 'go'), 0), 'running', 'settle', 'refuse'],
  ['taken back', ended(told(at('images', 'verdict'), 'back', 'go'), 1), 'failed', 'refuse', 'clean'],
  ['CRIU failed', ended(released(at('images')), 1), 'failed', 'refuse', 'clean'],
  ['killed while it stood ready', ended(released(at('verdict')), 137), 'failed', 'again', 'clean'],
  ['killed, and forgotten', released(NOTHING), 'idle', 'again', 'clean'],
  ['killed at the verdict', ended(told(at('verdict'), 'go', 'go'), 1), 'failed', 'again', 'clean'],
  [
    'killed when it may have run',
    ended(told(at('verdict', 'network-unlock'), 'go', 'go'), 1),
    'failed',
    'refuse',
    'clean',
  ],
  ['somebody killed it after the verdict', ended(told(at(), 'go', 'go'), undefined), 'broken', 'refuse', 'refuse'],
  ['somebody killed it', ended(at('images'), undefined), 'broken', 'refuse', 'clean'],
  ['its memory will not come', released(at('images', 'pages-lost')), 'failed', 'refuse', 'clean'],
  ['to be restored again from its source', released(at('pages-cut')), 'restoring', 'reconnect', 'say-back'],
  [
    'killed by its daemon while it stood ready',
    ended(released(at('verdict', 'pages-lost')), 1),
    'failed',
    'again',
    'clean',
  ],
  ['told to go, and cut off', told(at('verdict', 'pages-cut'), 'go', 'go'), 'ending', 'reconnect', 'refuse'],
  ['it ran and lost memory', ended(told(at('pages-lost'), 'go', 'go'), 0), 'running', 'settle', 'refuse'],
];

for (const [what, facts, state, resume, abort] of target) {
  test(`target: ${what}`, () => {
    assert.deepEqual([targetState(facts), nextResume(facts), abortTarget(facts)], [state, resume, abort]);
  });
}

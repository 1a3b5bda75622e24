/** The target's side of a move, decided: what its folder says, and what a verb does about it. Pure. */
import type { Facts } from './facts.ts';

/**
 * - `idle`: nothing was started
 * - `arming`, `armed`: LXC has been started and waits for the images
 * - `restoring`: CRIU is at work
 * - `held`: all is restored, no process has run yet: waits for the verdict
 * - `ending`: the verdict is given, CRIU is acting on it
 * - `running`: here it lives
 * - `failed`: it was not restored, or could not live, or was sent back; nothing of it runs here
 * - `broken`: somebody killed the restore
 */
export type TargetState =
  | 'idle'
  | 'arming'
  | 'armed'
  | 'restoring'
  | 'held'
  | 'ending'
  | 'running'
  | 'failed'
  | 'broken';

export function targetState(facts: Facts): TargetState {
  if (facts.stages.has('pages-lost') && facts.exit !== 0) return 'failed'; // of a post-copy; what was restored is killed
  if (facts.exit !== undefined) return facts.exit === 0 ? 'running' : 'failed';
  if (!facts.begun) return 'idle';
  if (facts.orphaned && facts.words.verdict === undefined) return 'failed';
  if (!facts.alive) return 'broken';
  if (facts.stages.has('verdict')) return facts.words.verdict === undefined ? 'held' : 'ending';
  if (facts.words.images === 'go') return 'restoring';
  return facts.stages.has('images') ? 'armed' : 'arming';
}

/** Does it make sense to wait for it to be restored? */
export function isOnItsWay(facts: Facts): boolean {
  return ['arming', 'armed', 'restoring'].includes(targetState(facts));
}

export type ResumeStep = 'say-go' | 'wait' | 'reconnect' | 'again' | 'settle' | 'refuse';

/**
 * The pivot is done: let it run. `reconnect`: it waits for pages of its memory, and nobody knows where they are to be had.
 * `again`: what stood ready was killed before it ran, so the images are as good as ever.
 * `refuse`: there is nothing here that could run.
 */
export function nextResume(facts: Facts): ResumeStep {
  const { stages, words } = facts;
  switch (targetState(facts)) {
    case 'held':
      return 'say-go';
    case 'restoring':
      return stages.has('pages-cut') ? 'reconnect' : 'wait';
    case 'ending':
      if (words.verdict !== 'go') return 'refuse';
      return stages.has('pages-cut') ? 'reconnect' : 'wait';
    case 'running':
      return 'settle';
    default:
      return stoodReady(facts) ? 'again' : 'refuse';
  }
}

/** It was restored once, and nothing of it has run: CRIU lets processes go after the stage `network-unlock`. */
function stoodReady({ begun, stages, words }: Facts): boolean {
  const whole = words.images === 'go' && words.verdict !== 'back';
  return whole && (!begun || stages.has('verdict')) && !stages.has('network-unlock');
}

export type AbortStep = 'say-back' | 'wait' | 'clean' | 'refuse';

/** Leave nothing here. `refuse`: it was let run; one that CRIU lost after that word does not run, and may be cleaned. */
export function nextAbort(facts: Facts): AbortStep {
  const state = targetState(facts);
  if (state === 'idle' || state === 'failed') return 'clean';
  if (state === 'running' || facts.words.verdict === 'go') return 'refuse';
  if (state === 'broken') return 'clean';
  return facts.words.verdict === undefined ? 'say-back' : 'wait';
}

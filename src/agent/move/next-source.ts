/** The source's side of a move, decided: what its folder says, and what a verb does about it. Pure. */
import type { Facts } from './facts.ts';

/**
 * - `idle`: the dump has not been started
 * - `freezing`: at work; the instance may still run
 * - `held`: all is written, the instance stands still and waits for the verdict
 * - `ending`: the verdict is given, CRIU is acting on it
 * - `gone`: the processes are killed: the target has them
 * - `resumed`: the dump failed or was sent back: the instance runs here
 * - `broken`: somebody killed the dump; what became of the instance must be looked at
 */
export type SourceState = 'idle' | 'freezing' | 'held' | 'ending' | 'gone' | 'resumed' | 'broken';

export function sourceState(facts: Facts): SourceState {
  if (facts.exit !== undefined) return facts.exit === 0 ? 'gone' : 'resumed';
  if (!facts.begun) return 'idle';
  if (!facts.alive) return 'broken';
  if (!facts.stages.has('verdict')) return 'freezing';
  return facts.words.verdict === undefined ? 'held' : 'ending';
}

export type CommitStep = 'say-go' | 'wait' | 'clean' | 'refuse';

/**
 * The target owns it: end it here, also what came back to life, for it is not to run here any more. `refuse`: nobody can have
 * given it away, since it was never saved, or was told to come back.
 */
export function nextCommit(facts: Facts): CommitStep {
  const state = sourceState(facts);
  switch (state) {
    case 'idle': // it was never frozen (a cold move), or all was done and cleaned before
    case 'gone':
      return 'clean';
    case 'resumed':
    case 'broken':
      return wasSaved(facts) ? 'clean' : 'refuse';
    case 'held':
      return 'say-go';
    case 'ending':
      return facts.words.verdict === 'go' ? 'wait' : 'refuse';
    default:
      return 'refuse';
  }
}

const wasSaved = ({ stages, words }: Facts): boolean => stages.has('verdict') && words.verdict !== 'back';

export type AbortStep = 'say-back' | 'wait' | 'clean' | 'refuse';

/** Let it run on here. `refuse`: it is gone, or told to go. */
export function nextAbort(facts: Facts): AbortStep {
  const state = sourceState(facts);
  if (state === 'gone' || facts.words.verdict === 'go') return 'refuse';
  if (state === 'idle' || state === 'resumed') return 'clean';
  if (untold(facts).length > 0) return 'say-back'; // before its time too: it is found at the gate
  return state === 'broken' ? 'clean' : 'wait';
}

/** Gates of the dump at which it was not told yet what to do. */
export const untold = ({ words }: Facts): readonly ('door' | 'verdict')[] =>
  (['verdict', 'door'] as const).filter(gate => words[gate] === undefined);

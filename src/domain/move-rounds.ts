/**
 * When to stop copying what changes and to freeze instead: pure. While a round travels the instance writes on, and what it
 * wrote meanwhile is the next round. As long as rounds become shorter, the pause does too.
 */

/** What one round shipped while the instance ran, counted from its start until all had arrived. */
export interface Shipped {
  readonly bytes: number;
  readonly ms: number;
}

export interface MoveRound {
  readonly volume: Shipped;
  /** Of a pre-copy. */
  readonly memory?: Shipped | undefined;
}

/** So little of a volume is shipped in a few milliseconds: another round would not shorten the pause. */
const SMALL_VOLUME_BYTES = 4 * 2 ** 20;
const MAX_VOLUME_ROUNDS = 4;
/** And so little of memory: what a round costs by itself is more. */
const SMALL_MEMORY_BYTES = 2 ** 20;
/** Each round makes its processes stand still for a moment, and ships pages in vain: for less it does not pay. */
const GAIN_MS = 20;
/** What writes faster than the wire takes away never converges; what does converge has by then. */
const MAX_ROUNDS = 10;

/** @param rounds all so far, the first of which shipped everything */
export function anotherRoundPays(rounds: readonly MoveRound[]): boolean {
  if (rounds.length === 0) return true;
  if (rounds.length >= MAX_ROUNDS) return false;
  const volume = rounds.at(-1)!.volume.bytes >= SMALL_VOLUME_BYTES && rounds.length < MAX_VOLUME_ROUNDS;
  return volume || memoryGainMs(rounds) >= GAIN_MS;
}

/**
 * What is dirty now took the last round's time to be written, at the rate at which that round itself was written in the time
 * of the one before it. What would be dirty after another round took that one's time, so it is less by the same factor.
 */
function memoryGainMs(rounds: readonly MoveRound[]): number {
  const [before, last] = [rounds.at(-2), rounds.at(-1)!];
  if (last.memory === undefined || last.memory.bytes < SMALL_MEMORY_BYTES) return 0;
  // A small round takes a time of its own and says little about the wire.
  const bytesPerMs = Math.max(...rounds.map(({ memory }) => (memory ? memory.bytes / Math.max(1, memory.ms) : 0)));
  // All of it may have been written to: nobody has looked yet.
  if (before === undefined) return last.memory.ms;
  const dirtyPerMs = last.memory.bytes / Math.max(1, msOf(before));
  const restMs = (dirtyPerMs * msOf(last)) / bytesPerMs;
  return restMs * (1 - dirtyPerMs / bytesPerMs);
}

const msOf = ({ volume, memory }: MoveRound): number => volume.ms + (memory?.ms ?? 0);

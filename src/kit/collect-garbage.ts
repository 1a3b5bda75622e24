/**
 * Garbage is collected when there is time, and not while an instance stands still: by itself V8 begins after some 10 MB of
 * buffers, which is one move of a small container, and its threads then take both CPUs of a small host for 20 to 30 ms.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** The heap may grow to four times what lives before it is marked: 100 MB for an agent, and none of it in a pause. */
setFlagsFromString('--heap-growing-percent=300');
setFlagsFromString('--expose-gc'); // for contexts made from now on
const collect = runInNewContext('gc') as () => void;

const ENOUGH_MS = 1000;
let last = Number.NEGATIVE_INFINITY;

/** Synchronous, about 20 ms: for the moment before a pause. Does nothing if it was done within the last second. */
export function collectGarbage(): void {
  if (performance.now() - last < ENOUGH_MS) return;
  collect();
  last = performance.now();
}

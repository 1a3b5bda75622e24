/** How long CRIU is waited for while an instance stands still: one that hangs must not hold it for ever. */

const AT_LEAST_MS = 20_000;
/** It handles about 1 GB/s; a host in trouble perhaps a tenth of that. */
const BYTES_PER_MS = 100_000;

/** In ms. @param memoryBytes to be written or read in that time */
export const patienceMs = (memoryBytes: number): number => AT_LEAST_MS + Math.ceil(memoryBytes / BYTES_PER_MS);

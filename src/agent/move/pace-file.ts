/** Keeps what this host learnt about its pace in its data folder. A file that cannot be read or written is no loss. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { writeAtomically } from '../atomic-file.ts';
import { FIRST_PACE, learn, type Pace, type Sample } from './pace.ts';

export interface PaceBook {
  pace(): Pace;
  add(...samples: readonly Sample[]): void;
}

const number = z.number().positive();
const stored = z.object({
  dumpMs: number,
  dumpProcessMs: number,
  dumpRate: number,
  lazyDumpRate: number,
  sendRate: number,
  restoreMs: number,
  lazyRestoreMs: number,
  restoreProcessMs: number,
  restoreRate: number,
  resumeMs: number,
  pullRate: number,
});

export function openPaceBook(path: string): PaceBook {
  let pace = read(path);
  return {
    pace: () => pace,
    add(...samples) {
      pace = samples.reduce(learn, pace);
      writeAtomically(path, JSON.stringify(pace)).catch(() => {});
    },
  };
}

function read(path: string): Pace {
  try {
    return stored.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return FIRST_PACE;
  }
}

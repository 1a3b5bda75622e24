/** How an instance's memory shall travel: pure. What was asked for, if it can be had; else what makes the pause short. */
import type { LiveMode } from '../../domain/move-mode.ts';
import type { MemoryModes } from './memory-modes.ts';
import { type Load, type Pace, transferMs } from './pace.ts';

/**
 * Below, everything moves at once: a restore whose memory follows takes some 30 ms longer, and while it follows a lost source
 * is a lost memory.
 */
const SHORT_MS = 100;

export interface End {
  readonly node: string;
  readonly modes: MemoryModes;
  readonly pace: Pace;
}

export type Choice =
  | { readonly mode: LiveMode; readonly why: string }
  /** It cannot be moved in the way that was asked for. */
  | { readonly mode: undefined; readonly why: string };

/** @param wanted a mode of a live move, or `auto` */
export function chooseMode(wanted: string, load: Load, from: End, to: End): Choice {
  const lacking = {
    'post-copy': firstOf([from, to], ({ modes }) => modes.noPostCopy),
    'pre-copy': lackingForPreCopy(from),
  };
  switch (wanted) {
    case 'stop-and-copy':
      return { mode: wanted, why: 'as asked' };
    case 'post-copy':
    case 'pre-copy': {
      const why = lacking[wanted];
      return why === undefined ? { mode: wanted, why: 'as asked' } : { mode: undefined, why: `${wanted}: ${why}` };
    }
  }
  const ms = Math.round(transferMs(load, from.pace, to.pace));
  if (ms < SHORT_MS) return { mode: 'stop-and-copy', why: `its memory takes ${ms} ms to move` };
  // Its pause is the shortest, and as good as the same however much is written.
  if (lacking['post-copy'] === undefined) {
    return { mode: 'post-copy', why: `its memory takes ${ms} ms to move, so it follows later` };
  }
  const noPostCopy = `no post-copy: ${lacking['post-copy']}`;
  // How fast it writes is measured by the first two rounds: if that is too fast there is no third (domain/move-rounds.ts).
  if (lacking['pre-copy'] === undefined) {
    return { mode: 'pre-copy', why: `its memory takes ${ms} ms to move, so it goes ahead in rounds (${noPostCopy})` };
  }
  return { mode: 'stop-and-copy', why: noPostCopy };
}

/** Only the source has to see what is written to. */
const lackingForPreCopy = (from: End): string | undefined => firstOf([from], ({ modes }) => modes.noPreCopy);

function firstOf(ends: readonly End[], reason: (end: End) => string): string | undefined {
  const end = ends.find(each => reason(each) !== '');
  return end && `on ${end.node} ${reason(end)}`;
}

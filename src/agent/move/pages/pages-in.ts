/**
 * The target's last act of a post-copy: waits until the pager has all memory here, and cleans up. When it cannot come any
 * more, what runs here is killed, for it would go on with holes in its memory; its volume stays.
 */
import { AppError } from '../../../domain/errors.ts';
import { awaitFacts } from '../await-facts.ts';
import { type Facts, readFacts } from '../facts.ts';
import { folderOf, markText, readRecord } from '../folder.ts';
import type { MoveKey } from '../key.ts';
import type { DataToken, MovePorts } from '../ports.ts';
import { readProgress, writeWay } from './pages-folder.ts';

export interface PagesRequest {
  /** After a cut: where the source is to be reached now. */
  readonly way?: DataToken;
  /** Why the source is given up: what is not here by now is lost. */
  readonly givenUp?: string;
  readonly signal: AbortSignal;
}

export interface PagesHere {
  /** `cut`: ask the source for another way. `lost`: the instance is stopped. */
  readonly state: 'coming' | 'here' | 'cut' | 'lost';
  readonly bytes: number;
  readonly totalBytes: number;
  /** Of `cut` and `lost`. */
  readonly why: string;
  /** Since it was resumed; 0 when that is not known any more. */
  readonly ms: number;
}

/** Answers after so long even when there is nothing new. */
const PATIENCE_MS = 1000;

/** @param finish leaves nothing of the move on this host */
export function createPagesIn(
  { root, containers, clock, learn }: MovePorts,
  finish: (key: MoveKey) => Promise<void>,
): (key: MoveKey, request: PagesRequest) => Promise<PagesHere> {
  return async (key, { way, givenUp, signal }) => {
    const folder = folderOf(root, key);
    const nothing = { bytes: 0, totalBytes: 0, why: '', ms: 0 };
    if ((await readRecord(folder)) === undefined) {
      // Told before, to a controller that may have died before it wrote that down.
      const lives = containers.look(key.instance).pid !== 0;
      return lives ? { ...nothing, state: 'here' } : { ...nothing, state: 'lost', why: 'it does not run any more' };
    }
    if (way !== undefined) await writeWay(folder, way);
    const timeoutMs = way === undefined ? PATIENCE_MS : 0; // it may stand still until its caller has let it run
    const facts = await awaitFacts(folder, isNews, { timeoutMs, what: 'memory', signal }).catch(thrown => {
      if (AppError.from(thrown).code === 'deadline') return readFacts(folder);
      throw thrown;
    });
    const progress = { ...nothing, ...(await readProgress(folder)), ms: sinceResume(facts) };
    if (facts.stages.has('pages-here')) {
      if (progress.ms > 0) learn({ phase: 'pull', ms: progress.ms, memoryBytes: progress.bytes, processes: 0 });
      await finish(key);
      return { ...progress, state: 'here' };
    }
    const lost = facts.stages.has('pages-lost') ? await markText(folder, 'pages-lost') : givenUp;
    if (lost !== undefined) {
      await containers.kill(key.instance);
      await finish(key);
      return { ...progress, state: 'lost', why: lost };
    }
    if (!facts.stages.has('pages-cut')) return { ...progress, state: 'coming' };
    return { ...progress, state: 'cut', why: await markText(folder, 'pages-cut') };
  };

  function sinceResume({ stages }: Facts): number {
    const resumed = stages.get('post-resume');
    return resumed === undefined ? 0 : (stages.get('pages-here') ?? clock.now()) - resumed;
  }
}

const isNews = ({ stages }: Facts): boolean =>
  ['pages-here', 'pages-lost', 'pages-cut'].some(stage => stages.has(stage));

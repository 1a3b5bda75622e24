/**
 * The answer to "does Berth have this?": yes when our own tables say so, and then `partly` or `no` only with a reason that
 * somebody wrote down (docs/compatibility/reasons.yaml) or that the controller itself gives.
 */
import type { Reason } from './facts.ts';

export interface Verdict {
  readonly name: string;
  readonly answer: 'yes' | 'partly' | 'no';
  /** Empty for a plain yes. */
  readonly why: string;
}

/** What one table found out: `there` by asking the code, `said` what it answered instead. */
export interface Finding {
  readonly name: string;
  readonly there: boolean;
  readonly said?: string;
}

export const NOT_BUILT = 'not built yet';

export interface Judge {
  verdict(finding: Finding): Verdict;
  /** Reasons that fit nothing: of things that are there by now, or that never were. */
  unused(): readonly string[];
}

export function openJudge(reasons: readonly Reason[], section: Reason['section']): Judge {
  const own = reasons
    .filter(reason => reason.section === section)
    .map(reason => ({ ...reason, pattern: new RegExp(`^(?:${reason.match})$`) }));
  const used = new Set<string>();
  return {
    verdict: ({ name, there, said = '' }) => {
      const reason = own.find(each => each.answer === (there ? 'partly' : 'no') && each.pattern.test(name));
      if (reason !== undefined) used.add(reason.match);
      if (there) return { name, answer: reason === undefined ? 'yes' : 'partly', why: reason?.why ?? said };
      return { name, answer: 'no', why: reason?.why ?? (said || NOT_BUILT) };
    },
    unused: () => own.filter(({ match }) => !used.has(match)).map(({ match }) => match),
  };
}

/**
 * What comes into a project, or asks for more there, is checked against its limits and claimed in the transaction that
 * begins it: of two that together would be too much, the second is decided anew and refused.
 */
import { AppError } from '../../domain/errors.ts';
import { DEFAULT_PROJECT, type ProjectRecord } from '../../domain/project.ts';
import { type Counted, hasLimits, mustBeWithinLimits } from '../../domain/project-limits.ts';
import { together } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { expanded } from '../instances/expanded.ts';
import { INSTANCES, PROJECT_CLAIMS, PROJECTS } from '../spaces.ts';
import { getProject } from './project-store.ts';

/** An instance that is to be in the project, as it will be. */
export interface Claimed {
  readonly project: string;
  readonly id: string;
  readonly name: string;
  readonly config: Counted['config'];
  readonly devices: Counted['devices'];
  readonly profiles: readonly string[];
}

/** @param begin gets what to commit with what it begins, and throws `ClaimLost` when a guard of that failed. */
export async function claiming<T>(view: View, project: string, begin: () => Promise<T>): Promise<T> {
  return inTurn(view, project, async () => {
    for (;;) {
      const seen = view.revision;
      try {
        return await begin();
      } catch (thrown) {
        if (!(thrown instanceof ClaimLost)) throw thrown;
        await newer(view, seen); // another controller was faster: decide again when its change is seen
      }
    }
  });
}

/** @throws AppError `invalid` when the limits of the project forbid it. */
export function claim(view: View, next: Claimed): Transaction {
  const project = getProject(view, next.project);
  if (hasLimits(project)) {
    const others = view.list(INSTANCES, project.name).filter(({ value }) => value.id !== next.id);
    mustBeWithinLimits(project, [...others.map(({ value }) => counted(view, value)), counted(view, next)]);
  } else if (project.name === DEFAULT_PROJECT) return NOTHING; // it cannot be deleted, and has nothing to count
  const key = PROJECT_CLAIMS.key(project.name);
  const stored = view.get(key);
  const record = { claims: (stored?.value.claims ?? 0) + 1 };
  const step = stored === undefined ? PROJECT_CLAIMS.create(key, record) : PROJECT_CLAIMS.replace(stored, record);
  const home = PROJECTS.key(project.name);
  return together(step, { guards: [{ key: home, modRevision: view.get(home)?.modRevision ?? 0n }], writes: [] });
}

/** Nothing has come into the project since the view was read: guards what must find it as it is. */
export function unclaimed(view: View, { name }: ProjectRecord, remove: boolean): Transaction {
  const key = PROJECT_CLAIMS.key(name);
  const stored = view.get(key);
  const guards = [{ key, modRevision: stored?.modRevision ?? 0n }];
  return { guards, writes: remove && stored !== undefined ? [{ delete: key }] : [] };
}

export function countedIn(view: View, project: string): readonly Counted[] {
  return view.list(INSTANCES, project).map(({ value }) => counted(view, value));
}

/** The refusal of an operation that claims: `otherwise` when it was another guard that failed. */
export function claimRefusal(otherwise: () => Error): (failed: readonly string[]) => Error {
  return failed => {
    const ours = failed.some(key => key.startsWith(PROJECT_CLAIMS.prefix) || key.startsWith(PROJECTS.prefix));
    return ours && failed.every(key => key.startsWith(PROJECT_CLAIMS.prefix) || key.startsWith(PROJECTS.prefix))
      ? new ClaimLost()
      : otherwise();
  };
}

class ClaimLost extends AppError {
  constructor() {
    super('busy', 'The project was changed meanwhile; try again');
  }
}

const NOTHING: Transaction = { guards: [], writes: [] };

function counted(view: View, of: Omit<Claimed, 'id'>): Counted {
  return { name: of.name, ...expanded(view, of) };
}

const turns = new WeakMap<View, Map<string, Promise<unknown>>>();

/** Within a process one waits for the other, so that the common case is not decided twice. */
function inTurn<T>(view: View, project: string, work: () => Promise<T>): Promise<T> {
  if (project === DEFAULT_PROJECT && !hasLimits(getProject(view, project))) return work();
  const waiting = turns.get(view) ?? new Map<string, Promise<unknown>>();
  turns.set(view, waiting);
  const mine = (waiting.get(project) ?? Promise.resolve()).then(work, work);
  waiting.set(
    project,
    mine.catch(() => {}),
  );
  return mine;
}

function newer(view: View, seen: bigint): Promise<void> {
  if (view.revision > seen) return Promise.resolve();
  return new Promise(resolve => {
    const stop = view.onChange(() => {
      stop();
      resolve();
    });
  });
}

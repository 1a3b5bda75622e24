/**
 * Lets the moves of large operations begin, as many at once as the budget of the cluster's config allows. Counted are all
 * moves, also those that users asked for; only those that pass here are made to wait.
 */
import type { StepContext } from '../saga/step-context.ts';
import { clusterSetting } from '../server-config.ts';
import { movesUnderWay } from './moves-under-way.ts';
import { fullHosts, type Move, nextMove, type WaitingMove } from './next-move.ts';

export interface MoveGate {
  /**
   * Resolves when it may begin, with the hosts to which it must not go; then it counts until `leave`.
   * @throws the signal's reason.
   */
  enter(id: string, move: WaitingMove): Promise<readonly string[]>;
  leave(id: string): void;
  close(): void;
}

type Waiting = WaitingMove & { readonly id: string; readonly admit: (avoid: readonly string[]) => void };

export function openMoveGate({ view, signal }: Pick<StepContext, 'view' | 'signal'>): MoveGate {
  let waiting: readonly Waiting[] = [];
  const inside = new Map<string, Move>();

  const underWay = (): readonly Move[] => {
    const known = new Map<string, Move>(movesUnderWay(view).map(move => [move.id, move]));
    return [...new Map([...inside, ...known]).values()];
  };
  const look = (): void => {
    const perHost = clusterSetting(view, 'cluster.moves.per_host');
    const budget = { perHost, total: clusterSetting(view, 'cluster.moves.total') };
    for (;;) {
      const moves = underWay();
      const next = nextMove(waiting, moves, budget);
      if (next === undefined) return;
      waiting = waiting.filter(each => each !== next);
      inside.set(next.id, { from: next.from, to: next.to });
      next.admit(fullHosts(moves, budget));
    }
  };
  const stop = view.onChange(({ changes }) => {
    if (waiting.length > 0 && changes.some(({ key }) => /^(sagas|server)\//.test(key))) look();
  });

  return {
    enter: (id, move) =>
      new Promise((admit, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const mine = { ...move, id, admit };
        signal.addEventListener('abort', () => {
          waiting = waiting.filter(each => each !== mine);
          reject(signal.reason);
        });
        waiting = [...waiting, mine];
        look();
      }),
    leave: id => {
      inside.delete(id);
      look();
    },
    close: stop,
  };
}

/**
 * Tells hosts that were away how a move ended: one that comes back may still hold a standing copy, which waits for the
 * verdict and nothing else. What they are told is safe to hear twice, and refused by a host that knows better.
 */
import { AppError } from '../../domain/errors.ts';
import { hasEnded } from '../saga/saga-log.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { migrateCold } from '../sagas/migrate-cold.ts';
import { migrateLive } from '../sagas/migrate-live.ts';
import { type MoveInput, moveRef, type Reserved } from '../sagas/move-steps.ts';
import { NODE_STATUS, SAGAS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export function tellEnds(): Reconciler {
  /** Forgotten with the leader's life, which costs a call that says nothing new. */
  const heard = new Set<string>();
  return {
    name: 'tell-ends',
    periodMs: 60_000,
    hints: [NODE_STATUS.prefix],
    run: context => tell(context, heard),
  };
}

async function tell(context: ReconcileContext, heard: Set<string>): Promise<string> {
  const told: string[] = [];
  for (const { value } of context.view.list(SAGAS)) {
    for (const { node, role, verb } of untold(value)) {
      // Only those that were away when it ended; the others heard it from the saga.
      const status = context.view.get(NODE_STATUS.key(node))?.value;
      if (status?.state !== 'online' || status.since <= value.updatedAt || heard.has(`${value.id}/${node}`)) continue;
      const { id } = value.input as MoveInput;
      const ref = moveRef({ operation: value.id }, value.input as MoveInput, reservedOf(value)!, role);
      await context.agents
        .of(node)
        [verb](ref)
        .catch(thrown => {
          const error = AppError.from(thrown);
          if (error.code !== 'conflict' && error.code !== 'not-found') throw thrown;
        });
      heard.add(`${value.id}/${node}`);
      told.push(`${node}: ${verb} of ${id}`);
    }
  }
  return told.join(', ');
}

interface Untold {
  readonly node: string;
  readonly role: 'source' | 'target';
  readonly verb: 'resumeMove' | 'commitMove' | 'abortMove';
}

/** Pure: what either end of an ended move may not have heard. */
export function untold(record: SagaRecord): readonly Untold[] {
  const isMove = record.saga === migrateLive.name || record.saga === migrateCold.name;
  const reserved = reservedOf(record);
  if (!isMove || !hasEnded(record) || record.error === undefined || reserved === undefined) return [];
  const switched = record.log.some(({ step, event }) => step === 'switch' && event === 'done');
  return [
    { node: reserved.to, role: 'target', verb: switched ? 'resumeMove' : 'abortMove' },
    { node: reserved.from, role: 'source', verb: switched ? 'commitMove' : 'abortMove' },
  ];
}

function reservedOf({ log }: SagaRecord): Reserved | undefined {
  const done = log.find(event => event.step === 'reserve' && event.event === 'done');
  return done?.event === 'done' ? (done.output as Reserved | undefined) : undefined;
}

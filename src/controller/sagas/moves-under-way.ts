/** Moves that are not over, whoever began them: what the budget of a large operation has to leave room for. */
import type { View } from '../../store/view.ts';
import { findInstance } from '../instances/instance-store.ts';
import { isSettled } from '../saga/saga-log.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { SAGAS } from '../spaces.ts';
import { migrateCold } from './migrate-cold.ts';
import { migrateLive } from './migrate-live.ts';
import type { MoveInput, Reserved } from './move-steps.ts';
import type { Move } from './next-move.ts';

export interface MoveUnderWay extends Move {
  /** Of the instance. */
  readonly id: string;
}

export function movesUnderWay(view: View): readonly MoveUnderWay[] {
  const moves = [migrateLive.name, migrateCold.name];
  return view
    .list(SAGAS)
    .filter(({ value }) => moves.includes(value.saga) && !isSettled(value))
    .map(({ value }) => describe(view, value));
}

function describe(view: View, { input, log }: SagaRecord): MoveUnderWay {
  const move = input as MoveInput;
  const decided = log.find(event => event.step === 'reserve' && event.event === 'done');
  const { from, to } = (decided?.event === 'done' ? decided.output : {}) as Partial<Reserved>;
  const asked = move.target !== undefined && 'node' in move.target ? move.target.node : '';
  return { id: move.id, from: from ?? findInstance(view, move)?.value.node ?? '', to: to ?? asked };
}

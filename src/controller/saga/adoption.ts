/** Which sagas nobody alive works on, and the transaction that takes one over. Pure but for the view it reads. */
import type { Stored } from '../../store/keyspace.ts';
import type { Guard, Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import { CONTROLLERS, SAGAS } from '../spaces.ts';
import { isSettled } from './saga-log.ts';
import type { SagaRecord } from './saga-record.ts';

type Claim = SagaRecord['claim'];

/** Oldest first: what waits longest is most missed. */
export function adoptable(view: View, me: Claim): readonly Stored<SagaRecord>[] {
  return view
    .list(SAGAS)
    .filter(({ value }) => !isSettled(value) && !sameClaim(value.claim, me) && !isAlive(view, value.claim))
    .toSorted((a, b) => a.value.createdAt - b.value.createdAt);
}

/** Guarded also by the death of the old holder: the view may not show yet that it lives. */
export function adoption(
  view: View,
  stored: Stored<SagaRecord>,
  me: Claim,
): { readonly record: SagaRecord; readonly transaction: Transaction } {
  const record = { ...stored.value, claim: me };
  const { guards, writes } = SAGAS.replace(stored, record);
  const holder = CONTROLLERS.key(stored.value.claim.controller);
  const death: Guard = { key: holder, modRevision: view.get(holder)?.modRevision ?? 0n };
  return { record, transaction: { guards: [...guards, death], writes } };
}

function isAlive(view: View, claim: Claim): boolean {
  return view.get(CONTROLLERS.key(claim.controller))?.value.incarnation === claim.incarnation;
}

function sameClaim(a: Claim, b: Claim): boolean {
  return a.controller === b.controller && a.incarnation === b.incarnation;
}

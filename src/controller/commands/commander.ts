/** What the wishes of users are checked against and carried out with. */
import type { Clock } from '../../kit/clock.ts';
import type { Store } from '../../store/store.ts';
import type { View } from '../../store/view.ts';
import type { Agents } from '../agents.ts';
import type { Engine } from '../saga/engine.ts';
import type { SagaRecord } from '../saga/saga-record.ts';

export interface Commander {
  readonly store: Store;
  readonly view: View;
  readonly clock: Clock;
  readonly agents: Agents;
  readonly engine: Engine;
}

/** Who asked; shown with the operation. */
export type Requestor = NonNullable<SagaRecord['requestor']>;

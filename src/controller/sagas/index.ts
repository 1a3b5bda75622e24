/** Everything that the cluster does on command. A saga that is listed here is repeated, failed and crashed by the tests. */
import type { Saga } from '../saga/saga.ts';
import { freezeInstance, restartInstance, startInstance, stopInstance, unfreezeInstance } from './change-state.ts';
import { createInstance } from './create-instance.ts';
import { deleteInstance } from './delete-instance.ts';

export const SAGA_TABLES: readonly Saga[] = [
  createInstance,
  startInstance,
  stopInstance,
  restartInstance,
  freezeInstance,
  unfreezeInstance,
  deleteInstance,
];

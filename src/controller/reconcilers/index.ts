/** Everything that the cluster keeps true. */
import type { Reconciler } from './reconciler.ts';

export const RECONCILERS: readonly Reconciler[] = [];

/** A guarded change of the store: decided from the view, committed, and decided anew when something came in between. */
import type { Store, Transaction } from '../store/store.ts';
import type { View } from '../store/view.ts';

/**
 * `decide` reads the view and returns what to commit, or undefined when nothing is (any more) to be done; it may throw.
 * Returns once the view shows the outcome. Repeatable by nature: what is done already is not decided again.
 */
export async function commitDecided(
  { store, view }: { readonly store: Store; readonly view: View },
  decide: () => Transaction | undefined,
): Promise<void> {
  for (;;) {
    const transaction = decide();
    if (transaction === undefined) return;
    const result = await store.commit(transaction);
    await view.reached(result.revision);
    if (result.kind === 'committed') return;
  }
}

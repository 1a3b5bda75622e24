import { type MemoryStore, openMemoryStore } from './memory-store.ts';
import { storeContract } from './store.contract.ts';

storeContract('store in memory', async () => {
  let store: MemoryStore;
  return {
    open: async () => {
      store = openMemoryStore();
      return store;
    },
    connect: async () => store.connect(),
    compact: async (_store, revision) => store.compact(revision),
    watchers: async () => store.watching,
    stop: async () => {},
  };
});

import { type EtcdOptions, openEtcdStore } from './etcd-store.ts';
import { storeContract } from './store.contract.ts';
import { startTestEtcd } from './test-etcd.ts';

storeContract('store in etcd', async () => {
  const etcd = await startTestEtcd();
  const { endpoints } = etcd;
  let spaces = 0;
  let options: EtcdOptions = { endpoints };
  return {
    open: async () => {
      options = { endpoints, prefix: `/space${++spaces}/` };
      return openEtcdStore(options);
    },
    connect: async () => openEtcdStore(options),
    compact: async (_store, revision) => {
      await etcd.ctl('compaction', String(revision));
    },
    watchers: () => etcd.metric('etcd_debugging_mvcc_watcher_total'),
    stop: etcd.stop,
  };
});

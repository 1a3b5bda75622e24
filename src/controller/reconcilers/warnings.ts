/** Says what is wrong and stays wrong, as warnings; says when it is over. */
import { formatBytes } from '../../domain/size.ts';
import { nextWarnings, type Trouble } from '../../domain/warning.ts';
import { together } from '../../store/keyspace.ts';
import type { View } from '../../store/view.ts';
import { commit } from '../commit.ts';
import { NODE_STATUS, NODES, SAGAS, WARNINGS } from '../spaces.ts';
import type { ReconcileContext, Reconciler } from './reconciler.ts';

export const warnings: Reconciler = {
  name: 'warnings',
  periodMs: 30_000,
  hints: [NODE_STATUS.prefix, NODES.prefix, SAGAS.prefix],
  run: async (context: ReconcileContext) => {
    const { view, clock } = context;
    const known = view.list(WARNINGS);
    const { put, forget } = nextWarnings(
      known.map(({ value }) => value),
      troublesOf(view),
      clock.now(),
    );
    if (put.length + forget.length === 0) return '';
    const stored = (uuid: string) => known.find(({ value }) => value.uuid === uuid);
    await commit(
      context,
      together(
        ...put.map(record => {
          const old = stored(record.uuid);
          const key = WARNINGS.key(record.uuid);
          return old === undefined ? WARNINGS.create(key, record) : WARNINGS.replace(old, record);
        }),
        ...forget.flatMap(uuid => {
          const old = stored(uuid);
          return old === undefined ? [] : [WARNINGS.remove(old)];
        }),
      ),
    );
    return put.map(({ type, location, status }) => `${status}: ${type} ${location}`.trim()).join(', ');
  },
};

/** From here on a pool has no room for what its users expect to write. */
const NEARLY_FULL = 0.95;

function troublesOf(view: View): readonly Trouble[] {
  const members = view.list(NODES).flatMap(({ value: { name } }): Trouble[] => {
    const status = view.get(NODE_STATUS.key(name))?.value;
    if (status === undefined) return [];
    const about = { location: name, project: '', entity: `/1.0/cluster/members/${encodeURIComponent(name)}` };
    const away: Trouble[] =
      status.state === 'offline'
        ? [{ ...about, type: 'Offline cluster member', severity: 'high', message: 'The host sends no word' }]
        : [];
    const full = status.pools
      .filter(({ totalBytes, usedBytes }) => totalBytes > 0 && usedBytes / totalBytes > NEARLY_FULL)
      .map(
        ({ name: pool, totalBytes }): Trouble => ({
          ...about,
          entity: `/1.0/storage-pools/${encodeURIComponent(pool)}`,
          type: 'Storage pool nearly full',
          severity: 'moderate',
          message: `Pool "${pool}" has used more than ${NEARLY_FULL * 100} % of ${formatBytes(totalBytes)}`,
        }),
      );
    return [...away, ...full];
  });
  const stuck = view
    .list(SAGAS)
    .filter(({ value }) => value.state === 'stuck')
    .map(
      ({ value }): Trouble => ({
        type: 'Operation stuck',
        severity: 'high',
        location: value.location ?? '',
        project: value.project,
        entity: `/1.0/operations/${value.id}`,
        message: `${value.description}: ${value.error?.message ?? 'it cannot be undone'}`,
      }),
    );
  return [...members, ...stuck];
}

/** PostgreSQL: one transaction on one connection, open across all moves, and committed after the last one. */
import { openPostgres } from '../../../deploy/demo/postgres.ts';
import type { Talk } from './talk.ts';

export async function postgres(host: string): Promise<Talk> {
  const session = await openPostgres(host, 'postgres');
  await session.query('CREATE TABLE IF NOT EXISTS counted (n bigint); BEGIN');
  let n = 0;
  return {
    async ask() {
      n += 1;
      const sql = `INSERT INTO counted VALUES (${n}) RETURNING n, pg_backend_pid(), pg_current_xact_id_if_assigned() IS NULL`;
      const [row] = await session.query(sql);
      const wanted = `${n},${session.backend},${n === 1 ? row?.[2] : 'f'}`;
      if (row?.join() !== wanted) throw new Error(`row ${row}, not ${wanted}`);
    },
    async end() {
      await session.query('COMMIT');
      session.close();
      const other = await openPostgres(host, 'postgres');
      const [row] = await other.query('SELECT count(*), sum(n) FROM counted');
      other.close();
      if (row?.join() !== `${n},${(n * (n + 1)) / 2}`) throw new Error(`committed: ${row}, not ${n} rows`);
      return `one transaction of ${n} inserts across all moves`;
    },
  };
}

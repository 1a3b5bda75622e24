/**
 * A client of PostgreSQL: one connection, one transaction, a row every 5 ms. When its stdin ends it commits, counts the rows
 * on a second connection, and prints one JSON line.
 *
 *   node postgres-client.ts HOST
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPostgres } from './postgres.ts';

const EVERY_MS = 5;

const [host = '127.0.0.1'] = process.argv.slice(2);
let ending = false;
process.stdin
  .on('end', () => {
    ending = true;
  })
  .resume();

const session = await openPostgres(host, 'postgres');
const { backend } = session;
let inserted = 0;
let longestMs = 0;
const report = (committed: number, lost: string | null) => {
  const result = { backend, inserted, committed, lost, longestMs: Math.round(longestMs * 10) / 10 };
  process.stdout.write(`${JSON.stringify(result)}\n`, () => process.exit(0));
};
try {
  await session.query('CREATE TABLE arrivals (n int); BEGIN');
  process.stdout.write(`${JSON.stringify({ connected: true })}\n`);
  while (!ending) {
    const begun = performance.now();
    const [row] = await session.query(`INSERT INTO arrivals VALUES (${inserted}) RETURNING pg_backend_pid()`);
    if (row?.[0] !== `${backend}`) throw new Error(`another server process answered: ${row}`);
    longestMs = Math.max(longestMs, performance.now() - begun);
    inserted += 1;
    await sleep(EVERY_MS);
  }
  await session.query('COMMIT');
  const other = await openPostgres(host, 'postgres');
  const [row] = await other.query('SELECT count(*) FROM arrivals');
  report(Number(row?.[0]), null);
} catch (error) {
  report(0, (error as Error).message);
}

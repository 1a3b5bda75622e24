/** The demo's second act: Debian with systemd and PostgreSQL moves in the middle of a client's transaction. */
import { relative } from 'node:path';
import { AppError } from '../../src/domain/errors.ts';
import { cachedDebianImage } from '../images/cached-debian.ts';
import { heading, type Stage, say, seconds } from './stage.ts';

const NAME = 'pg1';

/** It listens to all, and trusts all: this segment is nobody else's. */
const SET_UP = `cd /etc/postgresql/*/main
echo "listen_addresses = '*'" >>postgresql.conf
echo 'host all all all trust' >>pg_hba.conf
systemctl restart postgresql
until pg_isready -q; do sleep 0.1; done`;

/** @returns the image's file, built now or before; undefined, and says so, where that cannot be done */
export async function databaseImage(): Promise<string | undefined> {
  try {
    return await cachedDebianImage({ include: ['postgresql'] }, say);
  } catch (error) {
    say(`without PostgreSQL, for its image cannot be built here: ${AppError.from(error).message}\n`);
    return undefined;
  }
}

interface DatabaseResult {
  readonly backend: number;
  readonly inserted: number;
  /** Rows that another client sees after the commit. */
  readonly committed: number;
  readonly lost: string | null;
  readonly longestMs: number;
}

/** @returns how many connections were lost */
export async function showDatabase(stage: Stage, image: string): Promise<number> {
  const { berth, berthQuietly, cluster } = stage;
  heading('Debian with systemd and PostgreSQL, unprivileged');
  await berth('image', 'import', relative('.', image), '--alias', 'debian-postgresql');
  await berth('launch', 'debian-postgresql', NAME);
  await berthQuietly('exec', NAME, '--', 'sh', '-c', 'until [ -S /run/dbus/system_bus_socket ]; do sleep 0.1; done');
  await berthQuietly('exec', NAME, '--', 'systemctl', 'is-system-running', '--wait');
  await berthQuietly('exec', NAME, '--', 'sh', '-ec', SET_UP);
  await berth('exec', NAME, '--', 'systemctl', 'is-active', 'postgresql@*');
  const { location, address } = await stage.find(NAME);
  const target = cluster.hosts.map(host => host.name).find(name => name !== location)!;

  heading(`${NAME} moves from ${location} to ${target} in the middle of a client's transaction`);
  const client = await stage.client<DatabaseResult>(import.meta.resolve('./postgres-client.ts'), address);
  const begun = performance.now();
  await berth('move', NAME, '--target', target);
  const took = seconds(begun);
  const { inserted, committed, lost, longestMs, backend } = await client.stop();
  await berth('list', NAME);

  say(`one transaction, all along    ${inserted} rows inserted, by the same server process (${backend})`);
  say(`seen by others after COMMIT   ${committed} rows`);
  say(`pause felt by the client      ${longestMs} ms (its longest INSERT)`);
  say(`the whole move took           ${took}`);
  const whole = lost === null && inserted === committed;
  if (!whole) say(`the client said: ${lost ?? 'rows are missing'}`);
  return whole ? 0 : 1;
}

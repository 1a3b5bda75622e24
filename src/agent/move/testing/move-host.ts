/**
 * One end of moves as a program of its own, with everything real that an agent has: so that a test can kill it. Reads
 * one JSON request a line, answers each with one JSON line.
 *
 *   node move-host.ts DATA-FOLDER CRIU
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { AppError } from '../../../domain/errors.ts';
import { listenForData } from '../../data-plane/listener.ts';
import type { Host } from '../../host.ts';
import { ensureNoInstance, ensureState } from '../../instances.ts';
import { openHost, readIdentity } from '../../open-agent.ts';
import type { Spec } from '../../spec.ts';
import { makeBusyboxRoot } from '../../testing/busybox-root.ts';
import { openMoves } from '../moves.ts';
import { isMovingIn, mountMovesFolder } from '../moves-folder.ts';

const [data = '', criu = ''] = process.argv.slice(2);

/** Answers with what it reads on TCP port 7; restarted for each connection that ends. */
const INITTAB = '::sysinit:/bin/true\n::respawn:/bin/nc -ll -p 7 -e /bin/cat\n';

const opened = await openHost(data);
const host: Host = { ...opened, isMoving: id => isMovingIn(opened.paths.moves, id) };
await mountMovesFolder(host.paths.moves);
await host.pools.ensure('default', 'dir', {});
const identity = await readIdentity(host.paths);
const [address = '', port = ''] = host.config.dataListen.split(':');
const dataPlane = await listenForData({ host: address, port: Number(port), identity, clock: host.clock });
const moves = openMoves(host, { dataPlane, identity, criu });

const VERBS = {
  ...moves,
  /** An echo server that runs here. */
  async launch(spec: Spec) {
    const driver = host.pools.get('default');
    const volume = { kind: 'instance', name: spec.id } as const;
    await driver.createEmpty(volume, host.config.idmap);
    const rootfs = await driver.activate(volume);
    await makeBusyboxRoot(rootfs, host.config.idmap.base);
    await writeFile(join(rootfs, 'etc/inittab'), INITTAB);
    await host.ledger.put({ spec, pool: 'default', wanted: 'stopped', cpus: [] });
    return ensureState(host, spec, { wanted: 'running', force: true, timeoutMs: 0 });
  },
  look: async (id: string) => host.runtime.look(id),
  owns: async (id: string) => host.ledger.get(id)?.spec.generation ?? 0,
  remove: async (id: string, generation: number) => ensureNoInstance(host, { id, generation }),
  volumes: async () => host.pools.get('default').list(),
} as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>;

interface Request {
  readonly id: number;
  readonly verb: string;
  readonly args: readonly unknown[];
}

const say = (line: object): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

say({ id: 0 });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, verb, args } = JSON.parse(line) as Request;
  VERBS[verb]!(...args).then(
    value => say({ id, value }),
    (thrown: unknown) => {
      const { code, message } = AppError.from(thrown);
      say({ id, error: { code, message } });
    },
  );
}

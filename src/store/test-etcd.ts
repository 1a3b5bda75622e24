/**
 * A real etcd for tests: one member or three as child processes on loopback addresses of their own (so that nothing
 * collides), with data in a temporary folder. They end with the test process, however that ends.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Identity, issue } from '../kit/certificates.ts';

export interface TestEtcdOptions {
  readonly members?: 1 | 3;
  /** More arguments for every member. */
  readonly args?: readonly string[];
  /** Members then speak TLS with certificates of this authority for their addresses, and clients must have one of it. */
  readonly authority?: Identity;
}

export interface TestEtcd {
  /** `host:port` of each member. */
  readonly endpoints: readonly string[];
  /** Index of the member that leads; waits for one to be elected. */
  leader(): Promise<number>;
  /** kill -9; resolves when it is dead. */
  kill(member: number): Promise<void>;
  /** Stops or continues its process without ending it: the connections stay open and silent. */
  freeze(member: number): void;
  thaw(member: number): void;
  /** Starts a killed member again with its data; resolves when it is healthy. */
  restart(member: number): Promise<void>;
  /** A Prometheus metric, with its labels if it has any, of one member or summed over the living ones. */
  metric(name: string, member?: number): Promise<number>;
  /** etcdctl against all members; resolves to what it printed. */
  ctl(...args: readonly string[]): Promise<string>;
  /** Ends all and deletes the data. */
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  readonly address: string;
  child: ChildProcess | undefined;
}

const run = promisify(execFile);
const START_MS = 15_000;
/** The kernel ends the member when we die, also by kill -9. */
const DIES_WITH_US = ['setpriv', '--pdeathsig', 'KILL'];

export async function startTestEtcd({ members = 1, args = [], authority }: TestEtcdOptions = {}): Promise<TestEtcd> {
  const dir = await mkdtemp(join(tmpdir(), 'berth-etcd-'));
  const net = randomNet();
  const all: readonly Member[] = Array.from({ length: members }, (_, i) => ({
    name: `m${i}`,
    address: `${net}.${i + 1}`,
    child: undefined,
  }));
  const endpoints = all.map(({ address }) => `${address}:2379`);
  const tls =
    authority &&
    (await writeCertificates(
      dir,
      authority,
      all.map(({ address }) => address),
    ));
  const scheme = tls === undefined ? 'http' : 'https';
  const tlsArgs =
    tls === undefined
      ? []
      : ['--client-cert-auth', `--trusted-ca-file=${tls.ca}`, `--cert-file=${tls.cert}`, `--key-file=${tls.key}`];
  const tlsCtl = tls === undefined ? [] : [`--cacert=${tls.ca}`, `--cert=${tls.cert}`, `--key=${tls.key}`];

  const start = (member: Member) => {
    const { name, address } = member;
    const log = openSync(join(dir, `${name}.log`), 'a');
    const command = [
      ...DIES_WITH_US,
      ...['etcd', `--name=${name}`, `--data-dir=${join(dir, name)}`],
      `--listen-client-urls=${scheme}://${address}:2379`,
      `--advertise-client-urls=${scheme}://${address}:2379`,
      `--listen-peer-urls=http://${address}:2380`,
      `--initial-advertise-peer-urls=http://${address}:2380`,
      `--initial-cluster=${all.map(one => `${one.name}=http://${one.address}:2380`).join(',')}`,
      `--listen-metrics-urls=http://${address}:2381`,
      ...tlsArgs,
      ...args,
    ];
    const child = spawn(command[0]!, command.slice(1), { stdio: ['ignore', log, log] });
    closeSync(log);
    member.child = child;
  };

  const healthy = async (member: Member) => {
    const end = Date.now() + START_MS;
    while (!(await answers(`http://${member.address}:2381/health`))) {
      if (Date.now() > end || member.child?.exitCode !== null)
        throw new Error(
          `etcd did not start:\n${(await readFile(join(dir, `${member.name}.log`), 'utf8')).slice(-2000)}`,
        );
      await sleep(20);
    }
  };

  const kill = async (member: Member) => {
    const { child } = member;
    member.child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  };

  const metric = async (name: string, member: Member) => {
    if (member.child === undefined) return 0;
    const text = await (await fetch(`http://${member.address}:2381/metrics`)).text();
    return Number(
      text
        .split('\n')
        .find(line => line.startsWith(`${name} `))
        ?.slice(name.length) ?? 0,
    );
  };

  const stop = async () => {
    await Promise.all(all.map(kill));
    await rm(dir, { recursive: true, force: true });
  };

  for (const member of all) start(member);
  try {
    await Promise.all(all.map(healthy));
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    endpoints,
    stop,
    kill: member => kill(all[member]!),
    freeze: member => void all[member]!.child?.kill('SIGSTOP'),
    thaw: member => void all[member]!.child?.kill('SIGCONT'),
    leader: async () => {
      for (;;) {
        for (const [i, member] of all.entries()) if ((await metric('etcd_server_is_leader', member)) === 1) return i;
        await sleep(50);
      }
    },
    restart: async member => {
      start(all[member]!);
      await healthy(all[member]!);
    },
    metric: async (name, member) => {
      const asked = member === undefined ? all : [all[member]!];
      return (await Promise.all(asked.map(one => metric(name, one)))).reduce((a, b) => a + b);
    },
    ctl: async (...command) => {
      const env = { ...process.env, ETCDCTL_API: '3' };
      return (await run('etcdctl', [`--endpoints=${endpoints.join(',')}`, ...tlsCtl, ...command], { env })).stdout;
    },
  };
}

/** One certificate for all addresses, as files. */
async function writeCertificates(dir: string, authority: Identity, addresses: readonly string[]) {
  const { cert, key } = await issue(
    authority,
    'etcd',
    addresses.map(value => ({ type: 'ip', value })),
  );
  const files = { ca: join(dir, 'ca.pem'), cert: join(dir, 'cert.pem'), key: join(dir, 'key.pem') };
  await writeFile(files.ca, authority.cert);
  await writeFile(files.cert, cert);
  await writeFile(files.key, key, { mode: 0o600 });
  return files;
}

/** All of 127/8 is this machine. */
function randomNet(): string {
  const part = () => 1 + Math.floor(Math.random() * 250);
  return `127.${part()}.${part()}`;
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(url, { signal: AbortSignal.timeout(1000) })).ok;
  } catch {
    return false;
  }
}

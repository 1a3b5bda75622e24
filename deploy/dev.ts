/** `npm run dev -- COMMAND`: the local cluster for people. Everything it does is in local-cluster/. */
import { spawn } from 'node:child_process';
import { dirname, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError, fail } from '../src/domain/errors.ts';
import { CLIENT, openCluster } from './local-cluster/cluster.ts';
import { STORAGE_DRIVERS } from './local-cluster/host-namespace.ts';
import { emptyFolder, removeCluster } from './local-cluster/remove.ts';
import { listSlots } from './local-cluster/slot.ts';
import { startCluster } from './local-cluster/start-cluster.ts';
import { statusLines } from './local-cluster/status.ts';

const USAGE = `npm run dev -- up [--hosts 3] [--etcd-members 1|3] [--storage btrfs|dir] [--port 8443]
                status            what of it is alive
                exec HOST COMMAND...   run a command on a host (n1, n2, ...) or on "client"
                down              end it and delete all it kept
All take --dir DIR (default var/dev; before "exec"). Several clusters can stand side by side: give each its own --dir and --port.`;

const options = {
  hosts: { type: 'string', default: '3' },
  'etcd-members': { type: 'string', default: '1' },
  storage: { type: 'string', default: 'btrfs' },
  port: { type: 'string', default: '8443' },
  dir: { type: 'string', default: 'var/dev' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

/** Our options stand before the command that `exec` runs; what follows belongs to that. */
function split(argv: readonly string[]): readonly [readonly string[], readonly string[]] {
  const at = argv.indexOf('exec');
  return at === -1 ? [argv, []] : [argv.slice(0, at + 1), argv.slice(at + 1)];
}

async function main(argv: readonly string[]): Promise<number> {
  const [own, rest] = split(argv);
  const { values, positionals } = parseArgs({ args: [...own], options, allowPositionals: true });
  const dir = resolve(values.dir);
  switch (values.help ? 'help' : positionals[0]) {
    case 'up':
      return up(values, dir);
    case 'status':
      console.log((await statusLines(openCluster(dir))).join('\n'));
      return 0;
    case 'exec':
      return exec(dir, rest);
    case 'down':
      return down(dir);
    case 'help':
      console.log(USAGE);
      return 0;
    default:
      console.error(USAGE);
      return 1;
  }
}

type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];

async function up(values: Values, dir: string): Promise<number> {
  const began = performance.now();
  const storage = STORAGE_DRIVERS.find(driver => driver === values.storage);
  if (storage === undefined) fail('invalid', `--storage: must be ${STORAGE_DRIVERS.join(' or ')}`);
  const cluster = await startCluster({
    dir,
    storage,
    hosts: Number(values.hosts),
    etcdMembers: Number(values['etcd-members']),
    port: Number(values.port),
    detached: true,
    say: line => console.log(line),
  });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  const socket = relative(process.cwd(), cluster.socketPath);
  console.log(`up in ${seconds} s; try: BERTH_SOCKET=${socket} bin/berth list, or LXD_DIR=${dirname(socket)} lxc list`);
  return 0;
}

/** Takes down whatever stands in `dir`, also what a crash left of it. */
async function down(dir: string): Promise<number> {
  const records = listSlots().filter(record => record.dir === dir);
  for (const record of records) await removeCluster(record);
  emptyFolder(dir); // logs of one that did not come up
  console.log(records.length === 0 ? `no cluster in ${dir}` : `${dir} is gone`);
  return 0;
}

function exec(dir: string, [host, ...argv]: readonly string[]): Promise<number> {
  if (host === undefined) fail('invalid', `exec: name a host, or "${CLIENT}"`);
  const command = argv.length === 0 ? ['/bin/sh'] : argv;
  const [file, ...args] = openCluster(dir).hostCommand(host, command);
  return new Promise((done, reject) => {
    const child = spawn(file!, args, { stdio: 'inherit' });
    child.once('error', reject);
    child.once('exit', code => done(code ?? 1));
  });
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (thrown) {
  console.error(`Error: ${AppError.from(thrown).message}`);
  process.exitCode = 1;
}

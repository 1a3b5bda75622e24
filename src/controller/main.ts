/** The controller's program. Only here are arguments read, and the process ended. */
import { mkdirSync, readFileSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { hostname, networkInterfaces } from 'node:os';
import { parseArgs } from 'node:util';
import { AppError, fail } from '../domain/errors.ts';
import { checkName } from '../domain/names.ts';
import { systemClock } from '../kit/clock.ts';
import { openEtcdStore } from '../store/etcd-store.ts';
import { LOG_LEVELS, openLog } from './log.ts';
import { openController } from './run.ts';

const OPTIONS = {
  data: { type: 'string', default: '/var/lib/berth/controller' },
  name: { type: 'string', default: hostname() },
  listen: { type: 'string', default: '127.0.0.1:8443' },
  /** Under which others reach this controller, if that is not where it listens. */
  address: { type: 'string' },
  etcd: { type: 'string', default: 'http://127.0.0.1:2379' },
  'etcd-ca': { type: 'string' },
  'etcd-cert': { type: 'string' },
  'etcd-key': { type: 'string' },
  'etcd-user': { type: 'string' },
  'etcd-password-file': { type: 'string' },
  'log-level': { type: 'string', default: 'info' },
} as const;

type Values = ReturnType<typeof read>;

/** How long an orderly end may take. */
const CLOSE_MS = 10_000;

async function main(argv: readonly string[]): Promise<void> {
  const values = read(argv);
  const level = LOG_LEVELS.find(each => each === values['log-level']);
  if (level === undefined) fail('invalid', `--log-level ${values['log-level']}: one of ${LOG_LEVELS.join(', ')}`);
  const log = openLog(level);
  const name = checkName('controller', values.name);
  const listen = hostAndPort('--listen', values.listen);
  const address = values.address ?? reachable(listen);
  hostAndPort('--address', address);
  mkdirSync(values.data, { recursive: true, mode: 0o711 });
  const store = openEtcdStore(etcdOptions(values));
  const { data } = values;
  const controller = await openController({ name, data, store, clock: systemClock, log, listen, address });
  log.info('controller runs', { name, listen: values.listen, address });
  flushCompileCache(); // at its end it may have no time for that

  const end = (signal: string) => {
    log.info('controller ends', { name, signal });
    setTimeout(() => process.exit(1), CLOSE_MS).unref();
    void controller
      .close()
      .then(() => store.close())
      .then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(signal));
}

function read(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options: OPTIONS }).values;
  } catch (error) {
    const known = Object.keys(OPTIONS).map(option => `--${option}`);
    return fail('invalid', `${(error as Error).message}\noptions: ${known.join(' ')}`);
  }
}

function etcdOptions(values: Values): Parameters<typeof openEtcdStore>[0] {
  const { 'etcd-ca': ca, 'etcd-cert': cert, 'etcd-key': key, 'etcd-user': user } = values;
  const passwordFile = values['etcd-password-file'];
  const file = (path: string) => readFileSync(path, 'utf8');
  if ((cert === undefined) !== (key === undefined)) fail('invalid', '--etcd-cert and --etcd-key belong together');
  if ((user === undefined) !== (passwordFile === undefined))
    fail('invalid', '--etcd-user and --etcd-password-file belong together');
  return {
    endpoints: values.etcd.split(',').filter(endpoint => endpoint !== ''),
    ...(ca === undefined
      ? {}
      : { tls: { ca: file(ca), ...(cert && key ? { cert: file(cert), key: file(key) } : {}) } }),
    ...(user && passwordFile ? { auth: { user, password: file(passwordFile).trimEnd() } } : {}),
  };
}

function hostAndPort(flag: string, text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([^\]]+)\]|([^:\s]*)):(\d{1,5})$/.exec(text);
  if (match === null) return fail('invalid', `${flag} ${text}: must be HOST:PORT`);
  return { host: match[1] ?? match[2] ?? '', port: Number(match[3]) };
}

/** Of one that listens everywhere: its first address that others can reach. */
function reachable({ host, port }: { readonly host: string; readonly port: number }): string {
  const everywhere = ['', '0.0.0.0', '::'].includes(host);
  const own = Object.values(networkInterfaces()).flatMap(each => each ?? []);
  const shown = everywhere
    ? (own.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '127.0.0.1')
    : host;
  return `${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

main(process.argv.slice(2)).catch(thrown => {
  const { code, message } = AppError.from(thrown);
  process.stderr.write(`${code === 'internal' ? (thrown as Error).stack : message}\n`);
  process.exit(1);
});

import { AppError } from '../../domain/errors.ts';
import { type Instance, type NetworkState, STATUS } from '../api/instance.ts';
import { binarySize, dateTime } from '../render/quantity.ts';

/** The columns of `berth list`, under the letters of `lxc list`. */
export interface Column {
  readonly key: string;
  readonly header: string;
  readonly cell: (instance: Instance) => string;
  /** The cell is in the state, which costs the server more than the record. */
  readonly state?: true;
}

export const DEFAULT_COLUMNS = 'ns46tSL';
export const FAST_COLUMNS = 'nsacPt';

const LETTERS: Readonly<Record<string, Omit<Column, 'key'>>> = {
  n: { header: 'NAME', cell: i => i.name },
  s: { header: 'STATE', cell: i => i.status.toUpperCase() },
  4: { header: 'IPV4', state: true, cell: i => addresses(i, 'inet') },
  6: { header: 'IPV6', state: true, cell: i => addresses(i, 'inet6') },
  a: { header: 'ARCHITECTURE', cell: i => i.architecture },
  b: { header: 'STORAGE POOL', cell: i => rootDevice(i)?.pool ?? '' },
  c: { header: 'CREATED AT', cell: i => dateTime(i.created_at) ?? '' },
  d: { header: 'DESCRIPTION', cell: i => i.description ?? '' },
  D: { header: 'DISK USAGE', state: true, cell: diskUsage },
  e: { header: 'PROJECT', cell: i => i.project ?? 'default' },
  f: { header: 'BASE IMAGE', cell: i => baseImage(i).slice(0, 12) },
  F: { header: 'BASE IMAGE', cell: baseImage },
  l: { header: 'LAST USED AT', cell: i => dateTime(i.last_used_at) ?? '' },
  L: { header: 'LOCATION', cell: i => i.location ?? '' },
  m: {
    header: 'MEMORY USAGE',
    state: true,
    cell: i => (i.state?.memory?.usage ? binarySize(i.state.memory.usage) : ''),
  },
  M: { header: 'MEMORY USAGE%', state: true, cell: memoryPercent },
  N: { header: 'PROCESSES', state: true, cell: i => (isUp(i) ? String(i.state?.processes ?? 0) : '') },
  p: { header: 'PID', state: true, cell: i => (isUp(i) ? String(i.state?.pid ?? '') : '') },
  P: { header: 'PROFILES', cell: i => (i.profiles ?? []).join('\n') },
  S: { header: 'SNAPSHOTS', state: true, cell: i => String(i.snapshots?.length ?? 0) },
  t: { header: 'TYPE', cell: i => `${i.type}${i.ephemeral ? ' (ephemeral)' : ''}`.toUpperCase() },
  u: {
    header: 'CPU USAGE',
    state: true,
    cell: i => (isUp(i) ? `${Math.floor((i.state?.cpu?.usage ?? 0) / 1e9)}s` : ''),
  },
};

/** "ns4,user.owner:OWNER": letters stand alone or together, a word with a dot is a configuration key. */
export function parseColumns(text: string): readonly Column[] {
  return text.split(',').flatMap(word => (word.includes('.') ? [configColumn(word)] : [...word].map(letterColumn)));
}

export function needsState(columns: readonly Column[]): boolean {
  return columns.some(column => column.state);
}

export function columnHelp(): string {
  return Object.entries(LETTERS)
    .map(([key, { header }]) => `  ${key}  ${header.toLowerCase()}${key === 'F' ? ' (whole)' : ''}`)
    .join('\n');
}

function letterColumn(key: string): Column {
  const column = LETTERS[key];
  if (column === undefined)
    throw new AppError('invalid', `Unknown column shorthand char '${key}': see berth list --help`);
  return { key, ...column };
}

function configColumn(word: string): Column {
  const [key = '', header] = word.replace(/^config:/, '').split(':');
  return { key, header: header || key.toUpperCase(), cell: i => i.expanded_config?.[key] ?? i.config?.[key] ?? '' };
}

function isUp(instance: Instance): boolean {
  return instance.status_code !== STATUS.stopped && instance.state != null && instance.state.pid > 0;
}

/** One address a line, as "10.0.0.7 (eth0)"; what cannot be reached from outside is left out. */
function addresses(instance: Instance, family: string): string {
  const interfaces = Object.entries(instance.state?.network ?? {}) as readonly [string, NetworkState][];
  const found = interfaces.flatMap(([name, nic]) =>
    nic.type === 'loopback'
      ? []
      : (nic.addresses ?? [])
          .filter(a => a.family === family && a.scope !== 'link' && a.scope !== 'local')
          .map(a => `${a.address} (${name})`),
  );
  return found.toSorted().toReversed().join('\n');
}

function rootDevice(instance: Instance): Readonly<Record<string, string>> | undefined {
  return Object.values(instance.expanded_devices ?? {}).find(device => device.type === 'disk' && device.path === '/');
}

function diskUsage(instance: Instance): string {
  const usage = instance.state?.disk?.root?.usage ?? 0;
  return usage > 0 ? binarySize(usage) : '';
}

function baseImage(instance: Instance): string {
  return instance.config?.['volatile.base_image'] ?? '';
}

function memoryPercent(instance: Instance): string {
  const limit = parseSize(instance.expanded_config?.['limits.memory']);
  const usage = instance.state?.memory?.usage;
  return limit && usage ? `${((usage / limit) * 100).toFixed(1)}%` : '';
}

/** Bytes of "1GiB", "512MB", "1024"; undefined for a percentage or nothing. */
function parseSize(text: string | undefined): number | undefined {
  const match = /^(\d+)(([kMGTPE])(i?)B)?$/.exec(text ?? '');
  if (match === null) return undefined;
  const base = match[4] === 'i' ? 1024 : 1000;
  return Number(match[1]) * (match[3] === undefined ? 1 : base ** ' kMGTPE'.indexOf(match[3]));
}

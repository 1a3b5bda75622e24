/** What instances of a project with `restricted: true` may not have: `restricted.*`, whose defaults allow what is harmless. */
import { fail } from './errors.ts';
import type { Config, Devices } from './instance.ts';
import type { ProjectRecord } from './project.ts';
import { anything, isTrue, oneOf, type ValueCheck } from './values.ts';

const choice = oneOf('allow', 'block');
const managed = oneOf('allow', 'block', 'managed');
const UNUSUAL_DEVICES = 'gpu infiniband pci proxy tpm unix-block unix-char unix-hotplug usb'.split(' ');

/** Each key with its check and what it is when it is not set; '' = no restriction. */
const RESTRICTIONS: Readonly<Record<string, readonly [check: ValueCheck, usual: string]>> = {
  'restricted.backups': [choice, 'block'],
  'restricted.snapshots': [choice, 'block'],
  'restricted.cluster.target': [choice, 'block'],
  'restricted.containers.interception': [choice, 'block'],
  'restricted.containers.lowlevel': [choice, 'block'],
  'restricted.containers.nesting': [choice, 'block'],
  'restricted.containers.privilege': [oneOf('unprivileged', 'allow'), 'unprivileged'],
  'restricted.devices.disk': [managed, 'managed'],
  'restricted.devices.disk.paths': [anything, ''],
  'restricted.devices.nic': [managed, 'managed'],
  ...Object.fromEntries(UNUSUAL_DEVICES.map(type => [`restricted.devices.${type}`, [choice, 'block'] as const])),
  'restricted.networks.access': [anything, ''],
};

/** @returns its check; undefined = there is no such key. */
export function restrictionCheck(key: string): ValueCheck | undefined {
  return Object.hasOwn(RESTRICTIONS, key) ? RESTRICTIONS[key]![0] : undefined;
}

/** Settings that reach below what LXD promises to keep apart. */
const LOW_LEVEL =
  /^(raw\.|linux\.|nvidia\.|limits\.kernel\.|security\.idmap\.(base|size)$|security\.devlxd\.images$|boot\.host_shutdown_timeout$|limits\.memory\.swap)/;

const isRestricted = ({ config }: ProjectRecord): boolean => isTrue(config.restricted);

/** The value in force of a project that is restricted. */
const inForce = ({ config }: ProjectRecord, key: string): string => config[key] ?? RESTRICTIONS[key]?.[1] ?? '';

/** @param what `backups`, `snapshots` or `cluster.target` @throws AppError `invalid`, naming the key. */
export function mustBeAllowed(project: ProjectRecord, what: 'backups' | 'snapshots' | 'cluster.target'): void {
  const key = `restricted.${what}`;
  if (isRestricted(project) && inForce(project, key) === 'block') refuse(project, key, what);
}

/** @param of an instance with its profiles, or a profile @throws AppError `invalid`, naming the key. */
export function mustKeepRestrictions(
  project: ProjectRecord,
  of: { readonly config: Config; readonly devices: Devices },
): void {
  if (!isRestricted(project)) return;
  const blocks = (key: string) => ['block', 'unprivileged'].includes(inForce(project, key));
  const check = (key: string, has: boolean, what: string) => {
    if (has && blocks(key)) refuse(project, key, what);
  };
  for (const [key, value] of Object.entries(of.config)) {
    check('restricted.containers.nesting', key === 'security.nesting' && isTrue(value), key);
    check('restricted.containers.privilege', key === 'security.privileged' && isTrue(value), key);
    check('restricted.containers.interception', key.startsWith('security.syscalls.intercept.') && isTrue(value), key);
    check('restricted.containers.lowlevel', LOW_LEVEL.test(key), key);
  }
  for (const [name, device] of Object.entries(of.devices)) checkDevice(project, name, device);
}

function checkDevice(project: ProjectRecord, name: string, device: Config): void {
  const type = device.type ?? '';
  const key = `restricted.devices.${type}`;
  if (type === '' || type === 'none') return;
  const rule = inForce(project, key);
  const what = `device "${name}"`;
  if (type === 'nic') {
    if (rule === 'block' || (rule === 'managed' && !device.network)) refuse(project, key, what);
    const access = inForce(project, 'restricted.networks.access');
    const network = device.network || device.parent || '';
    if (access !== '' && !listed(access).includes(network)) refuse(project, 'restricted.networks.access', what);
  } else if (type === 'disk') {
    if (device.path === '/') return;
    if (rule === 'block' || (rule === 'managed' && !device.pool)) refuse(project, key, what);
    const paths = inForce(project, 'restricted.devices.disk.paths');
    if (!device.pool && paths !== '' && !listed(paths).some(path => isBelow(device.source ?? '', path)))
      refuse(project, 'restricted.devices.disk.paths', what);
  } else if (rule !== 'allow') refuse(project, key, what);
}

const listed = (text: string): readonly string[] => text.split(',').map(each => each.trim());

function isBelow(path: string, folder: string): boolean {
  const whole = folder.replace(/\/+$/, '');
  return !path.split('/').includes('..') && (path === whole || path.startsWith(`${whole}/`));
}

function refuse({ name }: ProjectRecord, key: string, what: string): never {
  fail('invalid', `Project "${name}" is restricted: ${what} is not allowed by ${key}`);
}

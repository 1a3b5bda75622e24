/** `raw.lxc`: the user's own lines of LXC configuration, except those that would take from the agent what it must hold. */
import { fail } from '../../domain/errors.ts';

/** Exact keys, and prefixes that end in a dot or a star. */
const OURS = [
  'lxc.arch',
  'lxc.autodev',
  'lxc.cgroup.dir*',
  'lxc.cgroup.relative',
  'lxc.console.*',
  'lxc.ephemeral',
  'lxc.hook.start-host',
  'lxc.hook.version',
  'lxc.idmap',
  'lxc.include',
  'lxc.log.*',
  'lxc.monitor.*',
  'lxc.namespace.*',
  'lxc.net*',
  'lxc.pty.max',
  'lxc.rootfs.*',
  'lxc.signal.*',
  'lxc.tty.*',
  'lxc.uts.name',
];

/** The lines to append, comments dropped. @throws AppError `invalid` naming the key or the line */
export function rawLines(text: string): readonly string[] {
  return text.split('\n').flatMap(raw => {
    const trimmed = raw.trim();
    if (trimmed === '' || trimmed.startsWith('#')) return [];
    const match = /^(lxc\.[A-Za-z0-9_.-]+)\s*=\s*(.*)$/.exec(trimmed);
    if (match === null) fail('invalid', `raw.lxc: "${trimmed}" is not a line of the form "lxc.key = value"`);
    const key = match[1]!;
    if (OURS.some(pattern => matches(pattern, key))) {
      fail('invalid', `raw.lxc: ${key} is set by Berth itself and cannot be changed`);
    }
    return [`${key} = ${match[2]}`];
  });
}

const matches = (pattern: string, key: string): boolean =>
  pattern.endsWith('*') ? key.startsWith(pattern.slice(0, -1)) || `${key}.` === pattern.slice(0, -1) : key === pattern;

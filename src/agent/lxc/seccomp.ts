/**
 * System calls that an ordinary instance is refused, so that all it runs can be saved by CRIU and moved: pure. It is no
 * fence. systemd expects such refusals in containers and goes on without the namespace: nothing has to be changed inside,
 * whatever image it is. docs/systemd.md tells what each line costs and how to do without.
 */

import type { Config } from '../../domain/instance.ts';
import { isTrue } from '../../domain/values.ts';

/** CRIU saves one uts and one ipc namespace, and, as it is made anew, one network namespace. */
const NAMESPACES = { CLONE_NEWUTS: 0x0400_0000, CLONE_NEWIPC: 0x0800_0000, CLONE_NEWNET: 0x4000_0000 } as const;

/**
 * What systemd watches /etc/localtime with: the link itself, not what it points to. On btrfs CRIU cannot tell which file
 * a watched link is. Told that there is none (ENOENT), systemd watches /etc instead and sees the same changes.
 */
const IN_ATTRIB_CLOSE_WRITE_MOVE_SELF = 0x4 | 0x8 | 0x800;

/**
 * In LXC's language: the action follows the call, the condition counts arguments from 0. EPERM is 1, ENOENT 2, ENOSYS 38:
 * without io_uring, which CRIU cannot save, MariaDB and others do as on an older kernel.
 */
const UNMOVABLE = [
  ...Object.values(NAMESPACES).map(flag => `unshare errno 1 [0,${flag},SCMP_CMP_MASKED_EQ,${flag}]`),
  'io_uring_setup errno 38',
  `inotify_add_watch errno 2 [2,${IN_ATTRIB_CLOSE_WRITE_MOVE_SELF},SCMP_CMP_EQ]`,
];

/** Of the whole host, which root of a privileged instance is root of. Others cannot do them anyway. */
const OF_THE_HOST = [
  'reject_force_umount',
  ...['kexec_load', 'open_by_handle_at', 'init_module', 'finit_module', 'delete_module'].map(name => `${name} errno 1`),
];

/**
 * The profile of an instance; undefined: it needs none. `raw.seccomp` and `security.syscalls.allow` stand for themselves,
 * `security.syscalls.deny` comes on top of what is denied anyway (unless `security.syscalls.deny_default` is false).
 */
export function seccompProfile(config: Config, privileged: boolean): string | undefined {
  if (config['raw.seccomp']) return `${config['raw.seccomp']}\n`;
  const allowed = linesOf(config['security.syscalls.allow']);
  if (allowed.length > 0) return profile('allowlist', allowed);
  const byDefault = isTrue(config['security.syscalls.deny_default'] || 'true');
  const usual = privileged ? OF_THE_HOST : isTrue(config['security.nesting']) ? [] : UNMOVABLE;
  const denied = [...(byDefault ? usual : []), ...linesOf(config['security.syscalls.deny']).map(withAction)];
  return denied.length === 0 ? undefined : profile('denylist', denied);
}

const profile = (kind: string, lines: readonly string[]): string => ['2', kind, '[all]', ...lines, ''].join('\n');

const linesOf = (text = ''): readonly string[] =>
  text
    .split('\n')
    .map(each => each.trim())
    .filter(Boolean);

/** Told that there is no such call, programs look for another way; LXC's own answer to a bare name is to kill. */
const withAction = (line: string): string => line.replace(/^(\S+)(?=$| \[)/, '$1 errno 38');

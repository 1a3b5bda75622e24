/**
 * System calls that an ordinary instance is refused, so that all it runs can be saved by CRIU and moved: pure. It is no
 * fence. systemd expects such refusals in containers and goes on without the namespace: nothing has to be changed inside,
 * whatever image it is. docs/systemd.md tells what each line costs and how to do without.
 */

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
export const MOVABLE_PROFILE = [
  '2',
  'denylist',
  '[all]',
  ...Object.values(NAMESPACES).map(flag => `unshare errno 1 [0,${flag},SCMP_CMP_MASKED_EQ,${flag}]`),
  'io_uring_setup errno 38',
  `inotify_add_watch errno 2 [2,${IN_ATTRIB_CLOSE_WRITE_MOVE_SELF},SCMP_CMP_EQ]`,
  '',
].join('\n');

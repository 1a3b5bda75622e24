/** What a person can do about an error of CRIU: seen on real containers, see the comments. First match wins. */

/** Images lie on a tmpfs of the agent's. */
export const MAKE_ROOM =
  'let other moves of that host end first, free memory there, or allow more (mount -o remount,size=...)';

interface Advice {
  readonly pattern: RegExp;
  readonly advice: string;
}

const ADVICE: readonly Advice[] = [
  {
    pattern: /vdso: Unexpected rt vDSO area bounds|vdso: .*(not supported|mismatch)/,
    advice: 'this CRIU is too old for the kernel: run the host set-up again, it finds one that works',
  },
  {
    pattern: /Can't get \d+:\d+ opt: Operation not supported/, // SO_PASSCRED; fixed in CRIU 4.2
    advice: 'this CRIU is too old for the sockets of this kernel: run the host set-up again',
  },
  {
    pattern: /nested (uts|ipc|user|pid|time) namespace/i,
    advice: 'a process inside has namespaces of its own: see docs/systemd.md for services, or move it with a restart',
  },
  {
    pattern: /session leader of \S+ is outside of its pid namespace/,
    advice: 'a process left behind by an exec session: end it, or start such daemons with setsid and no open terminal',
  },
  {
    pattern: /Can't lookup mount=\d+ for fd=/,
    advice: 'a process holds a file of the host open, most likely from an exec session: end it or restart it inside',
  },
  {
    pattern: /FS mnt .* unsupported|unsupported fs|doesn't have a proper root mount/i,
    advice: 'unmount that file system inside the container, or move it with a restart',
  },
  {
    pattern: /anon_inode:bpf|anon_inode:\[?io_uring|of that type \[\d+\] \(anon_inode/,
    advice:
      'a process uses a kernel feature that cannot be saved (BPF, io_uring, ...): stop it, or move with a restart',
  },
  {
    pattern: /Can't dump that handle/, // on btrfs, a watch of a symbolic link itself
    advice: 'a process watches a symbolic link, which cannot be saved on this storage: stop it, or move with a restart',
  },
  {
    pattern: /ctty inheritance detected/, // also of a shell that has forked, and not yet begun what it forked for
    advice: 'a program inside has /dev/tty open: end it, or try again',
  },
  {
    pattern: /Can't get rlimit/,
    advice: 'the agent lacks CAP_SYS_RESOURCE: privileged containers of this kind cannot be saved on this host',
  },
  {
    pattern: /Can't open file .* on restore: No such file/,
    advice: 'a file that was open did not reach the target: try again; if it persists, report it',
  },
  {
    pattern: /Can't open core data|Unexpected EOF|Can't open .*\.img/i,
    advice: 'the saved state arrived damaged: try again',
  },
  {
    pattern: /cpu: .*(not supported|mismatch|capab)|CPU capabilities do not match|fpu|xsave/i,
    advice: "the target's CPU lacks features that the processes were started with: choose a host with the same CPU",
  },
  { pattern: /No space left on device|Cannot allocate memory/, advice: MAKE_ROOM },
];

/** @returns undefined when we know nothing better than the error itself. */
export function adviceOn(errors: readonly string[]): string | undefined {
  return ADVICE.find(({ pattern }) => errors.some(error => pattern.test(error)))?.advice;
}

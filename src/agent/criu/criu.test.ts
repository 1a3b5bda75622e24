import assert from 'node:assert/strict';
import { test } from 'node:test';
import { criuFailure } from './failure.ts';
import { errorsIn } from './log.ts';

/** From a real restore whose images had been damaged. */
const DAMAGED = `(00.000516) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted
(00.014815) Error (criu/image.c:887): Unexpected EOF
(00.014817) Error (criu/cr-restore.c:517): Can't open core data for 1
(00.015662) Error (criu/cr-restore.c:2331): Restoring FAILED.
(00.016110) Error (criu/cgroup.c:2055): cg: cgroupd: recv req error: No such file or directory
`;

test('a log is reduced to what went wrong', () => {
  assert.deepEqual(errorsIn(DAMAGED), ['Unexpected EOF', "Can't open core data for 1"]);
  assert.deepEqual(errorsIn('Error (criu/a.c:1): x\n(00.1) Error (criu/a.c:2): x\nWarn  (criu/b.c:3): y'), ['x']);
});

test('known errors come with advice', () => {
  const cases = [
    ["Error (criu/namespaces.c:1): Can't dump nested uts namespace for 17", /systemd\.md/],
    ['Error (criu/cr-dump.c:1528): A session leader of 17905(1) is outside of its pid namespace', /exec session/],
    ["Error (criu/files.c:1): Can't dump file 31 of that type [600] (anon_inode:bpf-prog)", /BPF/],
    ['Error (criu/mount.c:1): FS mnt ./run/credentials/x unsupported id', /unmount/],
    ['Error (criu/vdso.c:1): vdso: Unexpected rt vDSO area bounds', /too old/],
  ] as const;
  for (const [line, advice] of cases) assert.match(criuFailure('dump', line, '').message, advice);
});

test('without a log the last words of lxc-checkpoint are the reason', () => {
  assert.match(criuFailure('restore', '', 'lxc-checkpoint: m1: no such container\n').message, /no such container/);
  assert.match(criuFailure('restore', '', '').message, /no reason/);
});

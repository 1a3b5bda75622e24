import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startError } from './start-error.ts';

const LOG = `lxc-start c1 20261123152143.235 WARN     cgfsng - ../src/lxc/cgroups/cgfsng.c:fchowmodat:1619 - No such file or directory - Failed to fchownat(35, memory.oom.group)
lxc-start c1 20261123152143.244 ERROR    dir - ../src/lxc/storage/dir.c:dir_mount:163 - No such file or directory - Failed to open "/pool/nowhere"
lxc-start c1 20261123152143.244 ERROR    conf - ../src/lxc/conf.c:lxc_setup_rootfs_prepare_root:4000 - Failed to setup rootfs for
lxc-start c1 20261123152143.245 ERROR    start - ../src/lxc/start.c:do_start:1272 - Failed to setup container "c1"
lxc-start c1 20261123152143.245 ERROR    lxccontainer - ../src/lxc/lxccontainer.c:wait_on_daemonized_start:878 - Received container state "ABORTING" instead of "RUNNING"
lxc-start c1 20261123152143.246 ERROR    lxc_start - ../src/lxc/tools/lxc_start.c:main:306 - The container failed to start
`;

describe('start error', () => {
  it('keeps the one line that says something', () => {
    assert.equal(
      startError('c1', LOG, '').message,
      'instance c1 did not start: No such file or directory - Failed to open "/pool/nowhere"',
    );
  });

  it('begins with what the network script complained of, and advises', () => {
    const log = `${LOG}lxc-start c1 20261123152143.485 ERROR    start - ../src/lxc/start.c:lxc_spawn:1910 - Failed to run lxc.hook.start-host\n`;
    const { message } = startError('c1', log, 'Cannot find device "br7"\n');
    assert.match(message, /did not start: Cannot find device "br7"; .*\(its network could not be set up/);
  });

  it('admits when there is no reason', () => {
    assert.match(startError('c1', '', '').message, /LXC gave no reason/);
  });
});

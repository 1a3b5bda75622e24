import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { openCgroups } from './cgroups.ts';

const V2 = '30 24 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate';
const HYBRID = `31 30 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct
32 30 0:28 / /sys/fs/cgroup/pids rw shared:2 - cgroup cgroup rw,pids
33 30 0:29 / /sys/fs/cgroup/systemd rw shared:3 - cgroup cgroup rw,xattr,name=systemd
34 30 0:30 / /sys/fs/cgroup/unified rw shared:4 - cgroup2 cgroup2 rw
35 24 0:31 / /home rw shared:5 - ext4 /dev/vda rw`;

describe('cgroups', () => {
  it('know a host where everything is in one v2 tree', () => {
    const cgroups = openCgroups('berth', V2);
    assert.equal(cgroups.v2, true);
    assert.equal(cgroups.payload('memory', 'x'), '/sys/fs/cgroup/berth/lxc.payload.x');
    assert.equal(cgroups.top, '/sys/fs/cgroup/berth');
  });

  it('know a host with v1 controllers and a v2 tree without any', () => {
    const cgroups = openCgroups('berth/n1', HYBRID);
    assert.equal(cgroups.v2, false);
    assert.equal(cgroups.payload('cpuacct', 'x'), '/sys/fs/cgroup/cpu,cpuacct/berth/n1/lxc.payload.x');
    assert.equal(cgroups.payload('memory', 'x'), undefined);
    assert.equal(cgroups.top, '/sys/fs/cgroup/pids/berth/n1');
    assert.deepEqual(cgroups.controllers, ['cpu', 'cpuacct', 'pids']);
    assert.equal(cgroups.hierarchies.length, 4);
  });
});

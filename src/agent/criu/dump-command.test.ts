import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dumpCommand } from './dump-command.ts';

const CONFIG = `lxc.uts.name = c1
lxc.mount.entry = /var/lib/lxcfs/proc/meminfo proc/meminfo none bind,optional 0 0
lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0
lxc.mount.entry = /srv/a\\040b srv/a\\040b none rbind,create=dir,ro 0 0
`;

test('a dump by ourselves is told of the cgroup as v2 knows it, and of each mount that the host lends', () => {
  const place = { mountPoint: '/sys/fs/cgroup', cgroup: '/sys/fs/cgroup/berth/lxc.payload.x' };
  const words = dumpCommand('/m/images', { pid: 17, config: CONFIG, ...place });
  const valuesOf = (option: string) => words.flatMap((word, at) => (words[at - 1] === option ? [word] : []));
  assert.deepEqual(valuesOf('--cgroup-root'), [':/berth/lxc.payload.x']);
  assert.deepEqual(valuesOf('--freeze-cgroup'), [place.cgroup]);
  assert.deepEqual(valuesOf('--ext-mount-map'), ['auto', '/proc/meminfo:proc/meminfo', '/srv/a b:srv/a b']);
  assert.deepEqual(valuesOf('-t'), ['17']);
});

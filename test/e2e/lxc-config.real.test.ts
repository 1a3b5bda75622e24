/** Config keys as the real `lxc` 5.0.2 sets them, seen from inside; and again after a live move. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

describe('config keys with lxc', { timeout: 180_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lxc-config');
    await lxc('init', 'busybox', 'c1', '--target', 'n1');
  });
  after(() => harness?.close());
  const lxc = async (...args: string[]) => (await harness.lxc(args)).stdout.trim();
  const inside = (script: string) => lxc('exec', 'c1', '--', 'sh', '-c', script);
  const fails = async (why: RegExp, ...args: string[]) => {
    const { code, stderr } = await harness.lxc(args, { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${args.join(' ')} should have failed`);
    assert.match(stderr, why);
  };

  /** What init has, not what exec was given. */
  const limits = () => inside("sed -n 's/^Max open files *//p' /proc/1/limits");
  const settings = () =>
    inside('cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/eth0/rp_filter /proc/sys/kernel/msgmax');
  const denied = () => inside('mkdir /denied 2>&1 || true');

  it('limits of processes, sysctls and denied system calls hold from the start', async () => {
    await lxc(
      'config',
      'set',
      'c1',
      'limits.kernel.nofile=3000:4000',
      'limits.kernel.core=0',
      'linux.sysctl.kernel.msgmax=9000',
    );
    await lxc(
      'config',
      'set',
      'c1',
      'linux.sysctl.net.ipv4.ip_forward=1',
      'linux.sysctl.net.ipv4.conf.eth0.rp_filter=2',
    );
    await lxc('config', 'set', 'c1', 'security.syscalls.deny', 'mkdir errno 28\nmkdirat errno 28');
    await lxc(
      'config',
      'set',
      'c1',
      'security.devlxd=false',
      'security.protection.shift=true',
      'limits.disk.priority=2',
    );
    await lxc('start', 'c1');
    assert.match(await limits(), /^3000 +4000/);
    assert.equal(await settings(), '1\n2\n9000');
    assert.match(await denied(), /No space/);
    assert.equal(await inside('ulimit -n'), '3000');
  });

  it('and after a live move', async () => {
    await inside('touch /dev/alive'); // its /dev is memory
    await lxc('move', 'c1', '--target', 'n2');
    assert.equal(await inside('ls /dev/alive'), '/dev/alive');
    assert.match(await limits(), /^3000 +4000/);
    assert.equal(await settings(), '1\n2\n9000');
    assert.match(await denied(), /No space/);
  });

  it('one that is protected is not deleted', async () => {
    await lxc('config', 'set', 'c1', 'security.protection.delete=true');
    await lxc('stop', 'c1', '--force');
    await fails(/protected/, 'delete', 'c1');
    await fails(/protected/, 'delete', 'c1', '--force');
    assert.match(await lxc('list', '--format', 'csv', '-c', 'n'), /^c1$/m);
    await lxc('config', 'unset', 'c1', 'security.protection.delete');
  });

  it('what cannot be is refused by name, with what to do', async () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      ['limits.kernel.files=1', /"limits\.kernel\.files".*nofile/],
      ['limits.kernel.nofile=2:1', /soft limit above/],
      ['linux.sysctl.kernel.hostname=x', /container has only net/],
      ['linux.sysctl.net..x=1', /container has only net/],
      ['linux.kernel_modules=../x', /list of modules/],
      ['security.syscalls.deny=rm -rf', /no system call/],
      ['security.devlxd=true', /dev\/lxd/],
      ['security.idmap.isolated=true', /id range/],
      ['limits.network.priority=1', /limits\.priority/],
      ['nvidia.runtime=true', /GPU/],
      ['raw.idmap=both 1000 1000', /id range/],
    ];
    for (const [setting, why] of refused) await fails(why, 'config', 'set', 'c1', setting);
    await lxc('config', 'set', 'c1', 'linux.kernel_modules=no_such_module');
    await fails(/no_such_module/, 'start', 'c1');
    await lxc('config', 'unset', 'c1', 'linux.kernel_modules');
    await lxc('start', 'c1');
  });
});

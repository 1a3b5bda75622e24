import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { seccompProfile } from './seccomp.ts';

describe('seccomp profile', () => {
  const lines = (config: Readonly<Record<string, string>>, privileged = false) =>
    seccompProfile(config, privileged)?.split('\n');

  it('keeps an ordinary one movable, unless it shall hold containers', () => {
    assert.ok(lines({})!.some(line => line.startsWith('io_uring_setup')));
    assert.equal(lines({ 'security.nesting': 'true' }), undefined);
  });

  it("forbids a privileged one what is the whole host's", () => {
    assert.ok(lines({}, true)!.includes('kexec_load errno 1'));
    assert.ok(!lines({}, true)!.some(line => line.startsWith('io_uring')));
    assert.equal(lines({ 'security.syscalls.deny_default': 'false' }, true), undefined);
  });

  it('denies more: a bare name as a call that does not exist, anything else as it is written', () => {
    const deny = 'keyctl\n mkdirat errno 1 \nunshare [0,64,SCMP_CMP_EQ]\n';
    const denied = lines({ 'security.syscalls.deny': deny, 'security.nesting': 'true' });
    const expected = ['keyctl errno 38', 'mkdirat errno 1', 'unshare errno 38 [0,64,SCMP_CMP_EQ]'];
    assert.deepEqual(denied, ['2', 'denylist', '[all]', ...expected, '']);
    assert.ok(lines({ 'security.syscalls.deny': deny })!.includes('io_uring_setup errno 38'));
  });

  it('allows only what is listed, or is what was written', () => {
    assert.deepEqual(lines({ 'security.syscalls.allow': 'read\nwrite' }), [
      '2',
      'allowlist',
      '[all]',
      'read',
      'write',
      '',
    ]);
    assert.deepEqual(lines({ 'raw.seccomp': '2\ndenylist' }), ['2', 'denylist', '']);
  });
});

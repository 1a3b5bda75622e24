import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { limitsOfType } from './instance-type.ts';

describe('an instance type', () => {
  it('stands for limits', () => {
    assert.deepEqual(limitsOfType('c2-m4'), { 'limits.cpu': '2', 'limits.memory': '4096MiB' });
    assert.deepEqual(limitsOfType('c1'), { 'limits.cpu': '1' });
    assert.deepEqual(limitsOfType('m0.5'), { 'limits.memory': '512MiB' });
    assert.deepEqual(limitsOfType(''), {});
  });

  for (const type of ['t2.micro', 'c0', 'm0', '-', 'c2-m4-x', 'aws:t2.micro', 'c-m']) {
    it(`is refused when it is none: ${type}`, () => assert.throws(() => limitsOfType(type), /"instance_type"/));
  }
});

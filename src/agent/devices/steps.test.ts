import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Devices } from '../../domain/instance.ts';
import { deviceSteps } from './steps.ts';

const root = { type: 'disk', path: '/', pool: 'default' };
const a = { type: 'disk', path: '/a', source: '/srv/a' };
const b = { type: 'disk', path: '/b', source: '/srv/b' };
const words = (before: Devices, next: Devices, unsure?: readonly Devices[]) =>
  deviceSteps(before, next, unsure).map(({ kind, device }) => `${kind} ${device.name} ${device.options.path}`);

describe('steps from the devices of before to those of now', () => {
  it('are none where nothing changed, and the root disk is never one', () => {
    assert.deepEqual(words({ root, a }, { root: { ...root, size: '1GiB' }, a: { ...a } }), []);
  });
  it('take out before they put in', () => {
    assert.deepEqual(words({ a }, { b: { ...b, path: '/a' } }), ['unplug a /a', 'plug b /a']);
  });
  it('change what stays of its type, and replace what does not', () => {
    assert.deepEqual(words({ a }, { a: { ...a, readonly: 'true' } }), ['change a /a']);
    assert.deepEqual(words({ a }, { a: { type: 'proxy', path: 'p' } }), ['unplug a /a', 'plug a p']);
  });
  it('take `none` for no device', () => {
    assert.deepEqual(words({ a }, { a: { type: 'none' } }), ['unplug a /a']);
  });
  it('clear away what a change that was broken off may have left', () => {
    assert.deepEqual(words({}, {}, [{ a }]), ['unplug a /a']);
    assert.deepEqual(words({ a }, { a }, [{ a: { ...a, path: '/c' } }]), ['unplug a /a', 'unplug a /c', 'plug a /a']);
  });
});

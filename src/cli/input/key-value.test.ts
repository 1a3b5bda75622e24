import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitKey, splitSettings } from '../commands/config.ts';
import { applySettings, parseDevices, parseKeyValues, parseSettings } from './key-value.ts';

test('values may hold anything, keys may not be empty', () => {
  assert.deepEqual(parseKeyValues(['a=b=c', 'd=']), { a: 'b=c', d: '' });
  assert.throws(() => parseKeyValues(['=b']), /Bad key=value pair: =b/);
  assert.throws(() => parseKeyValues(['ab']), /Bad key=value pair: ab/);
  assert.deepEqual(parseSettings(['a', 'b']), { a: 'b' });
  assert.deepEqual(parseSettings(['a=1', 'b=2']), { a: '1', b: '2' });
});

test('an empty value takes a key away, and only where it was given', () => {
  assert.deepEqual(applySettings({ a: '1', b: '2', c: '' }, { a: '', d: '4' }), { b: '2', c: '', d: '4' });
  assert.deepEqual(applySettings(null, { a: '1' }), { a: '1' });
});

test('devices are collected by name', () => {
  assert.deepEqual(parseDevices(['root,size=1GiB', 'eth0,network=n,mtu=9000', 'root,pool=p']), {
    root: { size: '1GiB', pool: 'p' },
    eth0: { network: 'n', mtu: '9000' },
  });
  assert.throws(() => parseDevices(['root']), /NAME,key=value/);
});

test('config set knows instance, server and remote, in the new form and the old', () => {
  assert.deepEqual(splitSettings(['c1', 'a=b', 'c=d']), { reference: 'c1', settings: { a: 'b', c: 'd' } });
  assert.deepEqual(splitSettings(['c1', 'a', 'b']), { reference: 'c1', settings: { a: 'b' } });
  assert.deepEqual(splitSettings(['a=b']), { reference: '', settings: { a: 'b' } });
  assert.deepEqual(splitSettings(['a', 'b']), { reference: '', settings: { a: 'b' } });
  assert.deepEqual(splitSettings(['r:', 'a=b']), { reference: 'r:', settings: { a: 'b' } });
  assert.throws(() => splitSettings(['c1']), /c1=VALUE/);
  assert.deepEqual(splitKey(['c1', 'a']), { reference: 'c1', settings: { a: '' } });
  assert.deepEqual(splitKey(['a']), { reference: '', settings: { a: '' } });
  assert.throws(() => splitKey(['a', 'b', 'c']), /Too many/);
});

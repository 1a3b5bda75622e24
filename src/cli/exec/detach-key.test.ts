import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { detachKey } from './detach-key.ts';

describe('the keys that end a console', () => {
  const typed = (...chunks: readonly string[]) => {
    let detached = false;
    const keys = detachKey(() => {
      detached = true;
    });
    for (const chunk of chunks) keys.write(chunk);
    return { detached, passed: String(keys.read() ?? '') };
  };

  it('are Ctrl-a and then q, also when they come apart', () => {
    assert.deepEqual(typed('ls\n', '\x01', 'q'), { detached: true, passed: 'ls\n' });
    assert.deepEqual(typed('a\x01q'), { detached: true, passed: '' });
  });

  it('let everything else pass: Ctrl-a before another key, Ctrl-a itself by typing it twice', () => {
    assert.deepEqual(typed('\x01x', 'q'), { detached: false, passed: '\x01xq' });
    assert.deepEqual(typed('\x01\x01', 'q'), { detached: false, passed: '\x01q' });
  });
});

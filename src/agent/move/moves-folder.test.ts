import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { test } from 'node:test';
import { fail } from '../../domain/errors.ts';
import { withRoom } from './moves-folder.ts';

test('a full tmpfs is named, with what to do; every other error stays what it is', async () => {
  await assert.rejects(
    withRoom('/run/berth/moves', () => writeFile('/dev/full', 'x')),
    { code: 'exhausted', message: /no room for its memory in \/run\/berth\/moves, a tmpfs: .*free memory/ },
  );
  const full = { code: 'exhausted', message: 'No space left in the pool' } as const;
  await assert.rejects(
    withRoom('/run/berth/moves', async () => fail(full.code, full.message)),
    full,
  );
});

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { before, describe, it } from 'node:test';
import { unknownExtensions } from './endpoints.ts';
import { DOCS } from './facts.ts';
import { makePage, type Page } from './page.ts';

describe('docs/compatibility.md', () => {
  let page: Page;
  before(async () => {
    page = await makePage();
  });

  it('says what the code says: after a change run `npm run compat`', () => {
    assert.equal(readFileSync(join(DOCS, 'compatibility.md'), 'utf8'), page.text);
  });

  it('gives no reason that fits nothing any more', () => {
    assert.deepEqual(page.unused, []);
  });

  it('knows every extension that we announce: LXD 5.0.2 has it, or its name says that it is ours', () => {
    assert.deepEqual(unknownExtensions(), []);
  });
});

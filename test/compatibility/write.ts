/** `npm run compat`: writes docs/compatibility.md anew. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOCS } from './facts.ts';
import { makePage } from './page.ts';

const { text, unused } = await makePage();
writeFileSync(join(DOCS, 'compatibility.md'), text);
for (const reason of unused) console.log(`reasons.yaml: fits nothing any more, remove it: ${reason}`);
process.exit(unused.length === 0 ? 0 : 1);

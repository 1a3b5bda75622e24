/** The pager's program: `node main.ts FOLDER`, the identity of its host as JSON on standard input. See `pager.ts`. */
import { text } from 'node:stream/consumers';
import type { TlsIdentity } from '../../../rpc/identity.ts';
import { runPager } from './pager.ts';

// Whoever ends the agent's children must not take the memory of an instance away.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => {});
// And what fails on the side must not end it.
process.on('unhandledRejection', thrown => process.stderr.write(`${(thrown as Error).stack}\n`));

const [folder = '', criu = ''] = process.argv.slice(2);
const identity = JSON.parse(await text(process.stdin)) as TlsIdentity;
runPager({ folder, criu, identity }).then(
  () => process.exit(0),
  thrown => {
    process.stderr.write(`${(thrown as Error).stack}\n`);
    process.exit(1);
  },
);

/**
 * `npm run clean`: removes what crashed runs of local clusters left on this machine (processes, namespaces, mounts,
 * cgroups, loop devices, containers, folders), and nothing of clusters in use. `--all`: those too.
 */
import { parseArgs } from 'node:util';
import { removeLeftovers } from './local-cluster/remove.ts';

const { values } = parseArgs({ options: { all: { type: 'boolean', default: false } } });
const removed = await removeLeftovers(values.all);
for (const line of removed) console.log(`removed ${line}`);
if (removed.length === 0) console.log('nothing to clean');

/** Puts the tables of a network into the kernel's packet filter, or takes them out, in one transaction. */
import { run } from '../command.ts';
import type { NetworkDeclaration } from './declaration.ts';
import { nextFirewall, tableOf } from './next-firewall.ts';

export async function filter(node: string, network: NetworkDeclaration): Promise<void> {
  const wanted = nextFirewall(node, network);
  const there = await tables(Object.values(wanted).some(text => text !== ''));
  const lines = (['inet', 'bridge'] as const).flatMap(family => {
    const table = `table ${family} ${tableOf(network.name)}`;
    const text = wanted[family];
    const clear = [`${table} {}`, `delete ${table}`];
    if (text !== '') return [...clear, `${table} {`, text, '}'];
    return there.includes(table) ? clear : [];
  });
  if (lines.length > 0) await run('nft', ['-f', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 10_000 });
}

/** A host without nftables has none of ours; one that needs them says so. */
async function tables(needed: boolean): Promise<readonly string[]> {
  const asked = run('nft', ['list', 'tables'], { allowFailure: !needed, timeoutMs: 10_000 });
  return needed
    ? (await asked).stdout.split('\n')
    : await asked.then(({ stdout }) => stdout.split('\n')).catch(() => []);
}

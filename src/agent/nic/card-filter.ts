/** Puts the rules of cards into the kernel's packet filter, or takes them out. Repeatable. */
import { run } from '../command.ts';
import { cardRules, cardTable } from './next-card-rules.ts';
import type { Nic } from './plan.ts';

/** @param before cards that may have had rules. Where there are none and were none, nobody is asked. */
export async function filterCards(nics: readonly Nic[], before: readonly Nic[] = []): Promise<void> {
  const wanted = new Map(nics.map(nic => [cardTable(nic), cardRules(nic)]));
  const had = before.filter(nic => cardRules(nic) !== '').map(cardTable);
  const tables = [...new Set([...[...wanted.keys()].filter(table => wanted.get(table) !== ''), ...had])];
  const lines = tables.flatMap(table => {
    const text = wanted.get(table) ?? '';
    return [`table ${table} {}`, `delete table ${table}`, ...(text === '' ? [] : [`table ${table} {`, text, '}'])];
  });
  if (lines.length > 0) await run('nft', ['-f', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 10_000 });
}

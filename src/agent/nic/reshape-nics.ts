/**
 * Cards of a running instance come, go and change. What is plugged now is also what the plug script makes at the next
 * start, at a reboot from inside and after a move.
 */
import { run } from '../command.ts';
import { filterCards } from './card-filter.ts';
import { attachPairs, removePairs, settle, writePlug } from './nics.ts';
import type { Nic } from './plan.ts';
import { insideLines, plugLines } from './plug-files.ts';

/** @param pid of its init @param before what it has, or would have if an earlier try had not been broken off */
export async function reshapeNics(
  folder: string,
  pid: number,
  before: readonly Nic[],
  after: readonly Nic[],
): Promise<void> {
  const { gone, come } = nextNics(before, after);
  try {
    await filterCards(after, before);
    await unplug(pid, gone);
    await plug(pid, come, after);
  } catch (thrown) {
    // As it was, as far as that goes: what is wrong now is told, and the next start makes all of it anew.
    await unplug(pid, come).catch(() => {});
    await plug(pid, gone, before).catch(() => {});
    await filterCards(before, after).catch(() => {});
    throw thrown;
  }
  await writePlug(folder, after);
}

/** Pure. A card that is not what it was is made anew; its rules are not part of it. */
export function nextNics(
  before: readonly Nic[],
  after: readonly Nic[],
): { readonly gone: readonly Nic[]; readonly come: readonly Nic[] } {
  const same = (one: Nic, all: readonly Nic[]) => all.some(other => shape(other) === shape(one));
  return { gone: before.filter(nic => !same(nic, after)), come: after.filter(nic => !same(nic, before)) };
}

const shape = ({ rules: _, ...nic }: Nic): string => JSON.stringify(nic);

async function unplug(pid: number, nics: readonly Nic[]): Promise<void> {
  await removePairs(nics.filter(({ kind }) => kind !== 'macvlan'));
  for (const { name } of nics.filter(({ kind }) => kind === 'macvlan'))
    await inside(pid, ['link', 'del', name], { allowFailure: true }); // it has no end here that could be looked for
}

async function plug(pid: number, nics: readonly Nic[], all: readonly Nic[]): Promise<void> {
  if (nics.length === 0) return;
  await unplug(pid, nics); // of an earlier try
  const input = `${nics.flatMap(nic => plugLines(settle(nic), pid)).join('\n')}\n`;
  await run('ip', ['-batch', '-'], { input, timeoutMs: 10_000 });
  await attachPairs(nics);
  const lines = nics.flatMap(nic =>
    insideLines(
      nic,
      all.findIndex(({ device }) => device === nic.device),
    ),
  );
  await inside(pid, ['-batch', '-'], { input: `${lines.join('\n')}\n` });
}

async function inside(
  pid: number,
  args: readonly string[],
  options: { input?: string; allowFailure?: boolean },
): Promise<void> {
  await run('nsenter', ['-t', `${pid}`, '-n', 'ip', ...args], { ...options, timeoutMs: 10_000 });
}

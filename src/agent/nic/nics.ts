/** What the agent does with NICs: writes what plugs them in, and puts pairs that a restore made into their bridges. */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, fail } from '../../domain/errors.ts';
import { run } from '../command.ts';
import { filterCards } from './card-filter.ts';
import type { Nic } from './plan.ts';
import { insideFile, nicsFile, PLUG_FILES, PLUG_SCRIPT, type SettledNic } from './plug-files.ts';

const USUAL_MTU = 1500;

/** Writes the plug script and its data into the instance's LXC folder. @throws AppError `not-found`: no such bridge */
export async function writePlug(folder: string, nics: readonly Nic[]): Promise<void> {
  await writeFile(join(folder, PLUG_FILES.nics), nicsFile(nics.map(settle)));
  await writeFile(join(folder, PLUG_FILES.inside), insideFile(nics));
  await writeFile(join(folder, PLUG_FILES.script), PLUG_SCRIPT);
  await chmod(join(folder, PLUG_FILES.script), 0o755);
  await filterCards(nics);
}

/** Lets a restored instance be heard. Repeatable. */
export async function attachPairs(nics: readonly Nic[]): Promise<void> {
  await batch(nics.filter(({ kind }) => kind === 'bridged').map(nic => `link set ${nic.host} master ${nic.bridge} up`));
}

/** Removing one end removes both. Repeatable. */
export async function removePairs(nics: readonly Nic[]): Promise<void> {
  for (const nic of nics.filter(onHost)) {
    const { code, stderr } = await run('ip', ['link', 'del', nic.host], { timeoutMs: 10_000, allowFailure: true });
    // With its container's network namespace a pair dies by itself, at a moment of the kernel's choice.
    if (code !== 0 && onHost(nic)) throw new AppError('internal', `${nic.host} cannot be removed: ${stderr.trim()}`);
  }
}

const onHost = (nic: Nic): boolean => existsSync(`/sys/class/net/${nic.host}`);

/** @throws AppError `not-found`: this host lacks what it hangs on */
export function settle(nic: Nic): SettledNic {
  if (nic.bridge === '') return { ...nic, mtu: nic.mtu ?? USUAL_MTU };
  const file = `/sys/class/net/${nic.bridge}/mtu`;
  if (!existsSync(file)) fail('not-found', `device "${nic.device}": this host has no network "${nic.bridge}"`);
  return { ...nic, mtu: nic.mtu ?? Number(readFileSync(file, 'utf8')) };
}

async function batch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 10_000 });
}

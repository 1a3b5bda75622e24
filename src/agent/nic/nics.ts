/** What the agent does with NICs outside of starts: before and after a restore, and announcing where they are now. */
import { existsSync, readFileSync } from 'node:fs';
import { chmod, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, fail } from '../../domain/errors.ts';
import { run } from '../command.ts';
import type { Nic } from './plan.ts';
import { insideFile, nicsFile, PLUG_FILES, PLUG_SCRIPT, type SettledNic } from './plug-files.ts';

/** Writes the plug script and its data into the instance's LXC folder. @throws AppError `not-found`: no such bridge */
export async function writePlug(folder: string, nics: readonly Nic[]): Promise<void> {
  await writeFile(join(folder, PLUG_FILES.nics), nicsFile(nics.map(settle)));
  await writeFile(join(folder, PLUG_FILES.inside), insideFile(nics));
  await writeFile(join(folder, PLUG_FILES.script), PLUG_SCRIPT);
  await chmod(join(folder, PLUG_FILES.script), 0o755);
}

/** Lets a restored instance be heard. Repeatable. */
export async function attachPairs(nics: readonly Nic[]): Promise<void> {
  await batch(nics.map(nic => `link set ${nic.host} master ${nic.bridge} up`));
}

/** Takes the instance off the network without touching its inside. Repeatable. */
export async function detachPairs(nics: readonly Nic[]): Promise<void> {
  await batch(nics.filter(onHost).map(nic => `link set ${nic.host} nomaster`));
}

/** Removing one end removes both. Repeatable. */
export async function removePairs(nics: readonly Nic[]): Promise<void> {
  for (const nic of nics.filter(onHost)) {
    const { code, stderr } = await run('ip', ['link', 'del', nic.host], { timeoutMs: 10_000, allowFailure: true });
    // With its container's network namespace a pair dies by itself, at a moment of the kernel's choice.
    if (code !== 0 && onHost(nic)) throw new AppError('internal', `${nic.host} cannot be removed: ${stderr.trim()}`);
  }
}

/**
 * Tells the network where the addresses are now, from inside the namespace of `pid`: sent from the bridge it would teach
 * switches the wrong port, and an idle instance would stay unreachable until it speaks by itself.
 */
export async function announce(nics: readonly Nic[], pid: number): Promise<void> {
  const calls = nics.flatMap(nic =>
    nic.addresses
      .filter(({ address }) => !address.includes(':'))
      .map(({ address }) =>
        run('nsenter', ['-t', String(pid), '-n', 'busybox', 'arping', '-A', '-c', '1', '-I', nic.name, address], {
          timeoutMs: 5000,
        }),
      ),
  );
  await Promise.all(calls);
}

const onHost = (nic: Nic): boolean => existsSync(`/sys/class/net/${nic.host}`);

function settle(nic: Nic): SettledNic {
  const file = `/sys/class/net/${nic.bridge}/mtu`;
  if (!existsSync(file)) fail('not-found', `device "${nic.device}": this host has no network "${nic.bridge}"`);
  return { ...nic, mtu: nic.mtu ?? Number(readFileSync(file, 'utf8')) };
}

async function batch(lines: readonly string[]): Promise<void> {
  if (lines.length > 0) await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n`, timeoutMs: 10_000 });
}

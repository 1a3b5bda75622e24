/** dnsmasq of one network: it is nobody's child and serves on while the agent restarts. */
import { mkdir, readFile, rm } from 'node:fs/promises';
import { writeAtomically } from '../atomic-file.ts';
import { run } from '../command.ts';
import type { NetworkDeclaration } from './declaration.ts';
import { type DnsmasqFiles, dnsmasqConfig, dnsmasqFiles, hostsFile, leasesFile } from './next-dnsmasq.ts';

const END_MS = 2000;

/** Makes it serve what is declared: started, told anew, started again or ended as that takes. Repeatable. */
export async function serve(folder: string, network: NetworkDeclaration): Promise<void> {
  const files = dnsmasqFiles(folder);
  const config = dnsmasqConfig(network, files);
  if (config === undefined) return endDnsmasq(folder);
  await mkdir(folder, { recursive: true, mode: 0o711 });
  const tables = [await write(files.leases, leasesFile(network.cards)), await write(files.hosts, hostsFile(network))];
  const changed = await write(files.config, config);
  const pid = await runningPid(files);
  if (pid !== undefined && !changed) {
    if (tables.includes(true)) process.kill(pid, 'SIGHUP');
    return;
  }
  if (pid !== undefined) await end(files, pid);
  await run('dnsmasq', [`--conf-file=${files.config}`], { timeoutMs: 10_000 });
}

/** Ends it and removes what it was told. Repeatable. */
export async function endDnsmasq(folder: string): Promise<void> {
  const files = dnsmasqFiles(folder);
  const pid = await runningPid(files);
  if (pid !== undefined) await end(files, pid);
  await rm(folder, { recursive: true, force: true });
}

/** A number that another process has meanwhile is not ours. */
async function runningPid({ pid: file, config }: DnsmasqFiles): Promise<number | undefined> {
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  if (!Number.isInteger(pid) || pid <= 1) return undefined;
  const command = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
  return command.split('\0').includes(`--conf-file=${config}`) ? pid : undefined;
}

async function end(files: DnsmasqFiles, pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM');
  const deadline = performance.now() + END_MS;
  while ((await runningPid(files)) === pid) {
    if (performance.now() > deadline) process.kill(pid, 'SIGKILL');
    await new Promise(resolve => setTimeout(resolve, 10));
  }
}

/** @returns did it change? Readable for dnsmasq, which is not root after its start. */
async function write(file: string, text: string): Promise<boolean> {
  if ((await readFile(file, 'utf8').catch(() => undefined)) === text) return false;
  await writeAtomically(file, text, 0o644);
  return true;
}

/**
 * Listen addresses that this host answers for while their targets run on it: put on the interface of the wire that they
 * belong to, and told to that wire. One that is routed to the host, or its own already, is left alone.
 */
import { run } from '../command.ts';
import { isThere } from './present.ts';

export interface Held {
  readonly address: string;
  readonly dev: string;
}

/** @param save called before anything is added, so that nothing is held that nobody knows of @returns what is held now */
export async function holdAddresses(
  wanted: readonly string[],
  held: readonly Held[],
  save: (held: readonly Held[]) => Promise<void>,
): Promise<readonly Held[]> {
  const kept = held.filter(({ address, dev }) => wanted.includes(address) && isThere(dev));
  const gone = held.filter(each => !kept.includes(each));
  const come: Held[] = [];
  for (const address of wanted.filter(each => !kept.some(other => other.address === each))) {
    const dev = await wireOf(address);
    if (dev !== undefined) come.push({ address, dev });
  }
  const now = [...kept, ...come];
  await save([...now, ...gone]);
  for (const each of gone) if (isThere(each.dev)) await ip('del', each, true);
  for (const each of now) await ip('replace', each);
  for (const each of come) tell(each);
  if (gone.length > 0) await save(now);
  return now;
}

/** The interface on whose wire it would be; undefined: on none of ours, or it is ours already. */
async function wireOf(address: string): Promise<string | undefined> {
  const { code, stdout } = await run('ip', ['-j', 'route', 'get', address], { allowFailure: true, timeoutMs: 10_000 });
  if (code !== 0) return undefined;
  const [way] = JSON.parse(stdout) as readonly { type?: string; gateway?: string; dev?: string }[];
  return way === undefined || way.type === 'local' || way.gateway !== undefined ? undefined : way.dev;
}

async function ip(verb: 'replace' | 'del', { address, dev }: Held, allowFailure = false): Promise<void> {
  const six = address.includes(':');
  const options = six && verb === 'replace' ? ['nodad'] : [];
  await run('ip', ['address', verb, `${address}/${six ? 128 : 32}`, 'dev', dev, ...options], {
    allowFailure,
    timeoutMs: 10_000,
  });
}

/** Switches and neighbours remember the old host for minutes. Of IPv6 they find out when it does not answer. */
function tell({ address, dev }: Held): void {
  if (address.includes(':')) return;
  const args = ['arping', '-A', '-c', '2', '-I', dev, address];
  run('busybox', args, { allowFailure: true, timeoutMs: 10_000 }).catch(() => {}); // it is found without, but later
}

import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Devices } from '../api/instance.ts';
import { at } from '../api/path.ts';
import { type Fields, type Kind, update } from '../api/update.ts';
import type { Session } from '../session.ts';

type Holder = Kind & ('instance' | 'profile');
type Change = (before: Devices) => Devices;

/** `network attach`, `detach` and the same for profiles: network cards of instances and profiles. */
export function defineNetworkUse(group: Command, session: Session): void {
  for (const [holder, suffix] of [
    ['instance', ''],
    ['profile', '-profile'],
  ] as const) {
    group
      .command(`attach${suffix}`)
      .description(`Give ${holder}s a card on a network`)
      .argument('<network>')
      .argument(`<${holder}>`)
      .argument('[device]', 'what the card is called in the configuration; default: as the network')
      .argument('[interface]', 'what it is called inside')
      .action((reference: string, name: string, device?: string, inside?: string) =>
        changeDevices(session, holder, reference, name, network => attached(network, device ?? network, inside)),
      );
    group
      .command(`detach${suffix}`)
      .description(`Take the card on a network from ${holder}s`)
      .argument('<network>')
      .argument(`<${holder}>`)
      .argument('[device]', 'which card, if there are several')
      .action((reference: string, name: string, device?: string) =>
        changeDevices(session, holder, reference, name, network => detached(network, device)),
      );
  }
}

function attached(network: string, device: string, inside: string | undefined): Change {
  return before => {
    if (Object.hasOwn(before, device)) throw new AppError('exists', `The device already exists: ${device}`);
    return { ...before, [device]: { type: 'nic', network, ...(inside === undefined ? {} : { name: inside }) } };
  };
}

function detached(network: string, device: string | undefined): Change {
  return before => {
    const cards = Object.entries(before)
      .filter(([, { type, network: on, parent }]) => type === 'nic' && (on === network || parent === network))
      .map(([name]) => name);
    if (device !== undefined && !cards.includes(device))
      throw new AppError('not-found', `Device ${device} is not a card on network ${network}`);
    if (cards.length === 0) throw new AppError('not-found', `No device found for network ${network}`);
    if (device === undefined && cards.length > 1)
      throw new AppError('invalid', `More than one device is on network ${network}, name one: ${cards.join(', ')}`);
    const gone = device ?? cards[0];
    return Object.fromEntries(Object.entries(before).filter(([name]) => name !== gone));
  };
}

/** The network's remote is the holder's: one server knows both. */
async function changeDevices(
  session: Session,
  holder: Holder,
  reference: string,
  name: string,
  changeOf: (network: string) => Change,
): Promise<void> {
  const { client, name: network } = await session.resolve(reference);
  await client.get(at`networks/${network}`); // a network that does not exist is told by its own name
  const path = holder === 'instance' ? at`instances/${name}` : at`profiles/${name}`;
  await update(session, client, holder, path, (before: Fields) => ({
    ...before,
    devices: changeOf(network)((before.devices as Devices | null) ?? {}),
  }));
}

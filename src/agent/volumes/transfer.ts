/**
 * A custom volume on its way to another host or pool, which may be of this host: the sender asks on one stream, the
 * receiver answers, and the controller says at last whether the receiver keeps it. Snapshots go first, so that what follows
 * is only what differs from the last of them.
 */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import type { Body, Channel } from '../../rpc/data/channel.ts';
import { serve } from '../../rpc/data/serve.ts';
import type { Host } from '../host.ts';
import type { Report } from '../progress.ts';
import { checkId } from '../spec.ts';
import type { IdMap } from '../storage/id-map.ts';
import {
  chooseMethod,
  TRANSFER_METHODS,
  type TransferMethod,
  type TransferOrder,
  type VolumeReceiver,
} from '../storage/transfer.ts';
import { customVolume, ownersOf, placeOf, type VolumeRef } from './volume-ref.ts';
import { alone, whileUsersStill } from './volumes.ts';

/** Params: pool, id, transfer, unmapped. */
export const VOLUME_STREAM = 'volume';

export interface Transfer {
  readonly ref: VolumeRef;
  /** UUID, the same on both ends. */
  readonly id: string;
}

export interface SendOrder extends Transfer {
  /** Id of the snapshot that is sent as the volume; undefined: as it is now. */
  readonly snapshot: string | undefined;
  /** Ids of the snapshots that are sent along, oldest first, and what they are at the other end. */
  readonly snapshots: Readonly<Record<string, string>>;
}

const idMap = z.object({ base: z.int(), size: z.int() }).nullable();
const question = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('begin'), methods: z.array(z.enum(TRANSFER_METHODS)), idMap }),
  z.object({ ask: z.literal('keep'), snapshot: z.string().transform(checkId) }),
  z.object({ ask: z.literal('publish') }),
]);
const isOurs = (message: unknown): boolean => typeof message === 'object' && message !== null && 'ask' in message;
const agreed = z.object({ method: z.enum(TRANSFER_METHODS) });

/** Answers the sender until it hangs up. */
export async function acceptVolume(host: Host, transfer: Transfer, unmapped: boolean, channel: Channel): Promise<void> {
  const owners = ownersOf(host, unmapped);
  let receiver: VolumeReceiver | undefined;
  const opened = () => receiver ?? fail('conflict', 'a transfer begins with how it is done');
  const answer = async (message: unknown, body: Body): Promise<object> => {
    if (!isOurs(message)) return opened().answer(message, body);
    const asked = question.parse(message);
    if (asked.ask === 'begin') {
      const { driver } = placeOf(host, transfer.ref);
      const method = chooseMethod(asked.methods, driver.transferMethods(), sameOwners(owners, asked.idMap));
      receiver = await driver.openReceiver(orderOf(transfer, method, owners));
      return { method };
    }
    if (asked.ask === 'keep') await opened().keep(asked.snapshot);
    else await opened().publish();
    return {};
  };
  await serve(channel, answer);
}

/** Sends it all and has it published there. @param channel to the receiver; closed by the caller */
export async function sendVolume(
  host: Host,
  order: SendOrder,
  unmapped: boolean,
  channel: Channel,
  report: Report,
): Promise<void> {
  const { driver, volume } = placeOf(host, order.ref);
  const owners = ownersOf(host, unmapped);
  await alone(host, order.ref, async () => {
    if (!(await driver.exists(volume))) fail('not-found', 'the storage volume is not on this host');
    const offer = { ask: 'begin', methods: driver.transferMethods(), idMap: owners ?? null };
    const { method } = agreed.parse((await channel.ask(offer)).message);
    const sender = await driver.openSender(orderOf(order, method, owners));
    let bytes = 0;
    const round = async (snapshot?: string) => {
      const sent = await sender.round(channel, { final: true, ...(snapshot === undefined ? {} : { snapshot }) });
      bytes += sent.bytes;
      report({ phase: 'send', bytes: BigInt(bytes) });
    };
    try {
      for (const [from, to] of Object.entries(order.snapshots)) {
        await round(from);
        await channel.ask({ ask: 'keep', snapshot: to });
      }
      if (order.snapshot !== undefined) await round(order.snapshot);
      else await whileUsersStill(host, order.ref, () => round());
      await channel.ask({ ask: 'publish' });
    } finally {
      await sender.close();
    }
  });
}

/**
 * The controller's last word: it is the volume now, or nothing of it is left. All methods are asked, for what was agreed is
 * forgotten with the stream, and they share the facts on disk.
 */
export async function endReceive(
  host: Host,
  transfer: Transfer,
  end: { readonly keep: boolean; readonly sizeBytes: number | undefined; readonly unmapped: boolean },
): Promise<void> {
  const { driver, volume } = placeOf(host, transfer.ref);
  const owners = ownersOf(host, end.unmapped);
  await alone(host, transfer.ref, async () => {
    if (end.keep && !(await driver.exists(volume))) fail('conflict', 'the storage volume did not arrive whole');
    for (const method of driver.transferMethods()) {
      const receiver = await driver.openReceiver(orderOf(transfer, method, owners));
      await (end.keep ? receiver.finish() : receiver.abort());
    }
    if (end.keep) await driver.setQuota(volume, end.sizeBytes);
  });
}

function orderOf({ id, ref }: Transfer, method: TransferMethod, owners: IdMap | undefined): TransferOrder {
  return { id, volume: customVolume(ref.id), method, idMap: owners };
}

const sameOwners = (a: IdMap | undefined, b: { readonly base: number; readonly size: number } | null): boolean =>
  a?.base === b?.base && a?.size === b?.size;

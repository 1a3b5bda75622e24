/** What goes before the first round of the volume: its snapshots, and the memory and processes kept with it and with them. */
import { z } from 'zod';
import type { Channel } from '../../rpc/data/channel.ts';
import type { Spec } from '../spec.ts';
import type { VolumeSender } from '../storage/transfer.ts';
import { bytesOf, listImages, readImages } from './images.ts';
import type { MovePorts } from './ports.ts';

const inventory = z.object({ snapshots: z.array(z.string()), states: z.array(z.string()) });

/** What the target has already is not sent again. @returns bytes sent */
export async function sendSnapshots(
  { volumes, states }: MovePorts,
  spec: Spec,
  sender: VolumeSender,
  channel: Channel,
): Promise<number> {
  const there = inventory.parse((await channel.ask({ ask: 'inventory' })).message);
  let bytes = 0;
  for (const snapshot of await volumes.snapshots(spec)) {
    if (there.snapshots.includes(snapshot)) continue;
    bytes += (await sender.round(channel, { final: false, snapshot })).bytes;
    await channel.ask({ ask: 'keep', snapshot });
  }
  for (const state of await states.list(spec.id)) {
    if (there.states.includes(state)) continue;
    const folder = states.path(spec.id, state);
    const images = listImages(folder);
    await channel.ask({ ask: 'state', state, images }, readImages(folder, images));
    bytes += bytesOf(images);
  }
  return bytes;
}

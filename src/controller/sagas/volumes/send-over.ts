/** A custom volume over the wire, to another host or another pool of this one. */
import { isTrue } from '../../../domain/values.ts';
import type { VolumeRecord } from '../../../domain/volume.ts';
import { drain } from '../../instances/progress.ts';
import type { StepContext } from '../../saga/step-context.ts';
import { ensureThere, sizeBytesOf, volumeRef } from '../../volumes/use.ts';

export interface Sending {
  /** Where it shall be. */
  readonly node: string;
  /** UUID, the same on both hosts. */
  readonly transfer: string;
  /** Id of the snapshot that is sent as the volume; '' = as it is now. */
  readonly snapshot: string;
  /** Ids of its snapshots that are sent along, oldest first, and what they are there. */
  readonly snapshots: Readonly<Record<string, string>>;
}

type Target = Pick<VolumeRecord, 'id' | 'pool' | 'config'>;

/** Repeatable. */
export async function sendOver(context: StepContext, sending: Sending, source: VolumeRecord, there: Target) {
  const { node, transfer, snapshot, snapshots } = sending;
  const target = context.agents.of(node);
  const unmapped = isTrue(there.config['security.unmapped']);
  const ref = volumeRef(there);
  const to = await target.receiveVolume({ ref, transfer, unmapped });
  // Without a token it came whole before, and only its end is to be said again.
  if (to.token !== '') {
    await ensureThere(context, source);
    const order = { ref: volumeRef(source), transfer, to, snapshot, snapshots, unmapped };
    await drain(context, 'fs_progress', context.agents.of(source.node).sendVolume(order));
  }
  await target.endReceiveVolume({ ref, transfer, keep: true, sizeBytes: sizeBytesOf(there.config), unmapped });
}

/** Nothing of it is left there. */
export async function takeBack(
  context: StepContext,
  { node, transfer }: Pick<Sending, 'node' | 'transfer'>,
  there: Target,
) {
  const target = context.agents.of(node);
  const unmapped = isTrue(there.config['security.unmapped']);
  await target.endReceiveVolume({ ref: volumeRef(there), transfer, keep: false, unmapped });
  await target.ensureNoVolume(volumeRef(there));
}

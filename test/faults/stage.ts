/** A cluster of two hosts with one container that answers on its echo port: where faults are tried. */
import { until } from '../../deploy/local-cluster/until.ts';
import { INSTANCES } from '../../src/controller/spaces.ts';
import type { InstanceRecord } from '../../src/domain/instance.ts';
import { type Harness, openHarness } from '../e2e/harness.ts';
import { openWitness, type Witness } from './witness.ts';

export interface Stage {
  readonly harness: Harness;
  readonly witness: Witness;
  readonly instance: string;
  /** Where it answers. */
  readonly address: string;
  record(): InstanceRecord;
  /** Starts it again if need be. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

export async function openStage(name: string): Promise<Stage> {
  const harness = await openHarness(name, { hosts: 2 });
  const instance = 'c1';
  try {
    const witness = await openWitness(harness.cluster);
    await harness.berth(['launch', 'busybox', instance]);
    const address = await harness.echoServer(instance);
    const record = () => witness.view.get(INSTANCES.key('default', instance))!.value;
    return {
      harness,
      witness,
      instance,
      address,
      record,
      ready: async () => {
        if (record().wanted !== 'running') await harness.berth(['start', instance]);
        await until('order', 10_000, () => (witness.differences().length === 0 ? true : undefined));
      },
      close: async () => {
        await witness.close();
        await harness.close();
      },
    };
  } catch (thrown) {
    await harness.close();
    throw thrown;
  }
}

/**
 * A cluster of two hosts with one container that answers on its echo port and holds memory whose checksum it tells: where
 * faults are tried.
 */
import { setTimeout as sleep } from 'node:timers/promises';
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
  /** Of what a process in it has held in memory since it began: another one means that it began anew. */
  askSum(): Promise<string>;
  /** The last answer. */
  readonly sum: string;
  /** Starts it again if need be. */
  ready(): Promise<void>;
  close(): Promise<void>;
}

/** Enough for the tail of a post-copy to be struck. */
const MEMORY = '48m';
/** Fills its memory with what nobody can guess, and writes its checksum as often as it is asked. */
const HOLDER = `BEGIN {
  fill = "head -c ${MEMORY} /dev/urandom | base64 -w 60000"
  while ((fill | getline line) > 0) held[n++] = line
  close(fill)
  for (;;) {
    while ((getline line < "/tmp/ask") > 0) {
      sum = "md5sum >/tmp/new"
      for (i = 0; i < n; i++) print held[i] | sum
      close(sum)
      system("mv /tmp/new /tmp/sum")
    }
    close("/tmp/ask")
  }
}`;
const INSTALL = `cat >/holder; mkfifo /tmp/ask; echo '::respawn:/bin/awk -f /holder' >>/etc/inittab; kill -HUP 1`;
const MOST_TRIES = 20;
/** Whoever was asked before a crash may not have answered: the old answer goes first. */
const ASK = 'rm -f /tmp/sum; echo >/tmp/ask; until [ -s /tmp/sum ]; do usleep 10000; done; cat /tmp/sum';

export async function openStage(name: string): Promise<Stage> {
  const harness = await openHarness(name, { hosts: 2 });
  const instance = 'c1';
  try {
    const witness = await openWitness(harness.cluster);
    await harness.berth(['launch', 'busybox', instance]);
    const inside = async (script: string, input = '') => {
      // One that has just come back may not be known to be there yet.
      for (let tries = 1; ; tries += 1) {
        const options = { timeoutMs: 20_000, input, allowFailure: tries < MOST_TRIES };
        const { code, stdout } = await harness.berth(['exec', instance, '--', 'sh', '-c', script], options);
        if (code === 0) return stdout;
        await sleep(500);
      }
    };
    const address = await harness.echoServer(instance);
    await inside(INSTALL, HOLDER);
    let sum = '';
    const askSum = async () => {
      sum = (await inside(ASK)).slice(0, 32);
      return sum;
    };
    await askSum();
    const record = () => witness.view.get(INSTANCES.key('default', instance))!.value;
    return {
      harness,
      witness,
      instance,
      address,
      record,
      askSum,
      get sum() {
        return sum;
      },
      ready: async () => {
        if (record().wanted === 'running') return;
        await harness.berth(['start', instance]);
        await askSum();
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

/**
 * Puts an end to a dump that nobody waits for any more: of an agent that died, or one that failed half-way. The instance
 * goes on, unless the dump had been told to end it: then its state is complete and is kept.
 */
import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Host } from '../host.ts';
import { awaitFacts } from '../move/await-facts.ts';
import { type Facts, readFacts } from '../move/facts.ts';
import { imagesIn, say } from '../move/folder.ts';
import { containersOf } from '../move/host-ports.ts';
import { nextAbort, sourceState } from '../move/next-source.ts';
import type { Spec } from '../spec.ts';
import { STOPPED_STATE } from './state-folders.ts';

const END_TIMEOUT_MS = 30_000;

/** Repeatable; does nothing if there is none. */
export async function settleDump(host: Host, spec: Spec): Promise<void> {
  const folder = host.states.path(spec.id, '.dump');
  if (!existsSync(folder)) return;
  await untilOver(folder);
  const ended = sourceState(readFacts(folder)) === 'gone';
  const told = (await readFile(join(folder, 'ending'), 'utf8').catch(() => '')) === 'end';
  if (ended && told && existsSync(imagesIn(folder))) {
    await host.runtime.kill(spec.id);
    await host.states.publish(imagesIn(folder), spec.id, STOPPED_STATE);
  } else if (host.runtime.look(spec.id).pid !== 0) {
    if (host.runtime.look(spec.id).state === 'frozen') await host.runtime.thaw(spec.id);
    await containersOf(host).attach(spec);
  }
  await rm(folder, { recursive: true, force: true });
}

async function untilOver(folder: string): Promise<void> {
  for (;;) {
    const facts = readFacts(folder);
    const step = nextAbort(facts);
    if (step === 'say-back') say(folder, 'verdict', 'back');
    else if (step === 'clean' || sourceState(facts) === 'gone' || sourceState(facts) === 'broken') return;
    else await awaitFacts(folder, isOver, { timeoutMs: END_TIMEOUT_MS, what: 'ending a dump' });
  }
}

const isOver = (facts: Facts): boolean => ['idle', 'gone', 'resumed', 'broken'].includes(sourceState(facts));

/**
 * Empties a node for maintenance, and fills it again. Each instance is moved by a saga of its own, which is over or not
 * begun when something fails: then the node is opened again, and what has moved stays where it is now.
 */
import { fail } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { expanded } from '../instances/expanded.ts';
import { ORIGIN } from '../instances/origin.ts';
import { seenState } from '../instances/state.ts';
import { saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { carryOut, type TaskOf } from './carry-out.ts';
import type { Way } from './next-move.ts';
import { setAdmission } from './set-admission.ts';

export const EVACUATION_MODES = ['', 'auto', 'stop', 'migrate', 'live-migrate'] as const;
/** '' = each instance's own `cluster.evacuate`. */
export type EvacuationMode = (typeof EVACUATION_MODES)[number];

export type EvacuateInput = { readonly node: string; readonly mode: EvacuationMode };

export const evacuateNode = saga<EvacuateInput>('evacuate-node', 2)
  .undoable('close', setAdmission('evacuated'), setAdmission('open'))
  .harmless('empty', empty)
  .pivot('done', async () => {})
  .end();

export const restoreNode = saga<{ readonly node: string }>('restore-node', 2)
  .undoable('open', setAdmission('open'), setAdmission('evacuated'))
  .harmless('return', bringBack)
  .pivot('done', async () => {})
  .end();

function empty(context: StepContext, { input }: { readonly input: EvacuateInput }): Promise<void> {
  return all(context, record => {
    if (record.node !== input.node) return undefined;
    const mode = input.mode || modeOf(context, record);
    const origin = record.config[ORIGIN] ?? input.node;
    const runs = isUp(context, record);
    // An ephemeral one would not outlive its stop.
    if (mode !== 'stop' || record.ephemeral) return { kind: 'move', to: '', origin, way: wayOf(mode, runs) };
    return runs ? { kind: 'stop', origin } : undefined;
  });
}

function bringBack(context: StepContext, { input }: { readonly input: { readonly node: string } }): Promise<void> {
  return all(context, record => {
    if (record.config[ORIGIN] !== input.node) return undefined;
    if (record.node === input.node) return { kind: 'start', origin: '' };
    const way = wayOf(modeOf(context, record), isUp(context, record));
    return { kind: 'move', to: input.node, origin: '', way };
  });
}

async function all(context: StepContext, taskOf: TaskOf): Promise<void> {
  const failures = await carryOut(context, taskOf);
  if (failures.length > 0) fail('unsupported', `Not moved: ${failures.join('; ')}`);
}

function modeOf({ view }: StepContext, record: InstanceRecord): string {
  return expanded(view, record).config['cluster.evacuate'] ?? 'auto';
}

/** What does not run is moved as it lies. */
function wayOf(mode: string, runs: boolean): Way {
  return { live: runs && mode !== 'migrate', mayStop: mode !== 'live-migrate' };
}

function isUp({ view }: StepContext, record: InstanceRecord): boolean {
  return ['running', 'frozen'].includes(seenState(view, record));
}

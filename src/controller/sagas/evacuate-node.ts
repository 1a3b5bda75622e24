/**
 * Empties a node for maintenance, one instance after another, each by a saga of its own that is either over or not begun
 * when something fails: then the node is opened again, and what has moved stays where it is now.
 */
import { AppError, RETRYABLE } from '../../domain/errors.ts';
import type { InstanceRecord } from '../../domain/instance.ts';
import { expanded, refOf } from '../instances/expanded.ts';
import { ORIGIN } from '../instances/origin.ts';
import { seenState } from '../instances/state.ts';
import { saga } from '../saga/saga.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import type { StepContext } from '../saga/step-context.ts';
import { INSTANCES } from '../spaces.ts';
import { startInstance, stopInstance } from './change-state.ts';
import { instanceBeginning } from './instance-beginning.ts';
import { migrateCold } from './migrate-cold.ts';
import { migrateLive } from './migrate-live.ts';
import { decideTarget } from './move-steps.ts';
import { setAdmission } from './set-admission.ts';

export const EVACUATION_MODES = ['', 'auto', 'stop', 'migrate', 'live-migrate'] as const;
/** '' = each instance's own `cluster.evacuate`. */
export type EvacuationMode = (typeof EVACUATION_MODES)[number];

export type EvacuateInput = { readonly node: string; readonly mode: EvacuationMode };

export const evacuateNode = saga<EvacuateInput>('evacuate-node', 1)
  .undoable('close', setAdmission('evacuated'), setAdmission('open'))
  .harmless('empty', empty)
  .pivot('done', async () => {})
  .end();

export const restoreNode = saga<{ readonly node: string }>('restore-node', 1)
  .undoable('open', setAdmission('open'), setAdmission('evacuated'))
  .harmless('return', bringBack)
  .pivot('done', async () => {})
  .end();

type Work = (record: InstanceRecord) => Promise<SagaRecord | undefined>;

function empty(context: StepContext, { input }: { readonly input: EvacuateInput }): Promise<void> {
  return each(
    context,
    ({ value }) => value.node === input.node,
    async record => {
      const mode = input.mode || expanded(context.view, record).config['cluster.evacuate'] || 'auto';
      const runs = isUp(context, record);
      if (mode === 'stop' && !record.ephemeral) {
        return runs ? powerOff(context, record) : undefined;
      }
      const live = runs && mode !== 'migrate' && (mode === 'live-migrate' || (await mayMoveLive(context, record)));
      tell(context, `Migrating "${record.name}" in project "${record.project}"`);
      const table = live ? migrateLive : migrateCold;
      const { project, name, id } = record;
      const origin = record.config[ORIGIN] ?? input.node;
      const beginning = instanceBeginning('Migrating instance', record);
      return context.child(`move/${id}`, table, { project, name, id, origin }, beginning);
    },
  );
}

function bringBack(context: StepContext, { input }: { readonly input: { readonly node: string } }): Promise<void> {
  return each(
    context,
    ({ value }) => value.config[ORIGIN] === input.node,
    async record => {
      const { project, name, id } = record;
      if (record.node === input.node) {
        tell(context, `Starting "${name}" in project "${project}"`);
        const change = { project, name, id, force: false, timeoutMs: -1, origin: '' };
        return context.child(`start/${id}`, startInstance, change, instanceBeginning('Starting instance', record));
      }
      const target = { node: input.node };
      const live = isUp(context, record) && (await mayMoveLive(context, record, target));
      tell(context, `Migrating "${name}" in project "${project}" from ${record.node}`);
      const move = { project, name, id, target, origin: '' };
      const beginning = instanceBeginning('Migrating instance', record);
      return context.child(`move/${id}`, live ? migrateLive : migrateCold, move, beginning);
    },
  );
}

/** @throws AppError that names those with which it did not work; the others are done. */
async function each(
  context: StepContext,
  belongs: (stored: { readonly value: InstanceRecord }) => boolean,
  work: Work,
): Promise<void> {
  const failures: string[] = [];
  for (const { value } of context.view.list(INSTANCES).filter(belongs)) {
    if (value.phase !== 'ready') continue;
    try {
      const end = await work(value);
      if (end !== undefined && end.state !== 'succeeded') failures.push(`${value.name}: ${end.error?.message}`);
    } catch (thrown) {
      const error = AppError.from(thrown);
      if (RETRYABLE[error.code] || context.signal.aborted) throw error;
      failures.push(`${value.name}: ${error.message}`);
    }
  }
  if (failures.length > 0) throw new AppError('unsupported', `Not moved: ${failures.join('; ')}`);
}

function powerOff(context: StepContext, record: InstanceRecord): Promise<SagaRecord> {
  const { project, name, id } = record;
  tell(context, `Stopping "${name}" in project "${project}"`);
  const change = { project, name, id, force: false, timeoutMs: -1, origin: record.node };
  return context.child(`stop/${id}`, stopInstance, change, instanceBeginning('Stopping instance', record));
}

async function mayMoveLive(
  context: StepContext,
  record: InstanceRecord,
  to?: { readonly node: string },
): Promise<boolean> {
  try {
    const { node } = decideTarget(context, record, to, true, context.clock.now());
    const target = await context.agents.of(node).getHost({});
    const ref = refOf(record, record.generation);
    const answer = await context.agents.of(record.node).checkMove({ ref, target });
    return answer.verdict === 'live';
  } catch (thrown) {
    if (AppError.from(thrown).code === 'exhausted') return false; // no host could go on with it; one may start it anew
    throw thrown;
  }
}

function isUp({ view }: StepContext, record: InstanceRecord): boolean {
  return ['running', 'frozen'].includes(seenState(view, record));
}

/** LXD's key. */
function tell(context: StepContext, text: string): void {
  context.progress({ evacuation_progress: text });
}

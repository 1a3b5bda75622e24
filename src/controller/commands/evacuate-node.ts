/** "Empty that host", "it is back", and "it will never be back". */
import { fail } from '../../domain/errors.ts';
import type { View } from '../../store/view.ts';
import type { Beginning } from '../saga/engine.ts';
import { isLost } from '../saga/live-agents.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { EVACUATION_MODES, type EvacuationMode, evacuateNode, restoreNode } from '../sagas/evacuate-node.ts';
import { removeNode } from '../sagas/remove-node.ts';
import { memberResources } from '../sagas/urls.ts';
import { NODES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';

/** @param mode '' or undefined: each instance's own. @throws AppError `not-found`, `invalid`, `unavailable`, `busy`. */
export async function beginEvacuateNode(
  { engine, view }: Commander,
  { node, mode = '' }: { readonly node: string; readonly mode?: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  const known = EVACUATION_MODES.find(each => each === mode);
  if (known === undefined) fail('invalid', `Invalid evacuation mode "${mode}" (auto, stop, migrate, live-migrate)`);
  if (needNode(view, node).admission === 'evacuated') fail('invalid', `Cluster member "${node}" is evacuated already`);
  if (isLost(view, node)) fail('unavailable', `Cluster member "${node}" is offline: what is on it cannot be moved now`);
  const input = { node, mode: known as EvacuationMode };
  return engine.start(evacuateNode, input, nodeBeginning('Evacuating cluster member', node, requestor));
}

/** @throws AppError `not-found`, `invalid`, `unavailable`, `busy`. */
export async function beginRestoreNode(
  { engine, view }: Commander,
  { node }: { readonly node: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  if (needNode(view, node).admission === 'open') fail('invalid', `Cluster member "${node}" is not evacuated`);
  if (isLost(view, node)) fail('unavailable', `Cluster member "${node}" is offline`);
  return engine.start(restoreNode, { node }, nodeBeginning('Restoring cluster member', node, requestor));
}

/** For one that is gone for good. @throws AppError `not-found`, `invalid` while it is online, `busy`. */
export async function beginRemoveNode(
  { engine, view }: Commander,
  { node }: { readonly node: string },
  requestor?: Requestor,
): Promise<SagaRecord> {
  needNode(view, node);
  if (!isLost(view, node))
    fail('invalid', `Cluster member "${node}" is online: evacuate it, and remove it without force`);
  return engine.start(removeNode, { node }, nodeBeginning('Removing cluster member', node, requestor));
}

function needNode(view: View, node: string) {
  return (view.get(NODES.key(node)) ?? fail('not-found', `Cluster member not found: ${node}`)).value;
}

function nodeBeginning(description: string, node: string, requestor: Requestor | undefined): Beginning {
  return {
    project: 'default',
    description,
    resources: memberResources(node),
    locks: [`node/${node}`],
    location: node,
    ...(requestor === undefined ? {} : { requestor }),
  };
}

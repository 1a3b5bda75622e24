/** `POST /1.0/instances/N`: another name, or another host. */
import { z } from 'zod';
import { fail } from '../../domain/errors.ts';
import { MOVE_MODES } from '../../domain/move-mode.ts';
import { beginMoveInstance, checkMove, type MoveCheck } from '../commands/move-instance.ts';
import { beginRenameInstance } from '../commands/rename-instance.ts';
import { type Answer, started, sync } from '../http/answer.ts';
import { type ApiRequest, isTrue, readBody } from '../http/request.ts';
import { snapshotsOf } from '../instances/snapshot-store.ts';
import type { Lxd } from './context.ts';
import { flagField, textField } from './fields.ts';
import { findInstance } from './instance.ts';
import { targetOf } from './instance-create.ts';
import { sagaOperation } from './operation.ts';
import { mustMayTarget, projectOf } from './project.ts';
import { requestorOf } from './requestor.ts';

const body = z.object({
  name: textField,
  migration: flagField,
  /** lxc sends true for stopped instances too: it means "if it runs, do not stop it". */
  live: flagField,
  pool: textField,
  project: textField,
  instance_only: flagField,
  target: z.unknown().optional(),
  /** Ours: how it shall travel while it runs. */
  'berth.mode': z.enum(MOVE_MODES).nullish(),
  /** Ours: exec sessions may be ended. */
  'berth.detach': flagField,
});

export async function postInstance(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = findInstance(lxd, request);
  const { project, name } = value;
  mustMayTarget(lxd.view, request);
  const sent = await readBody(request, body);
  if (!sent.migration) {
    if (sent.name === '') fail('invalid', 'Invalid "name": the new name is missing');
    const rename = { project, name, newName: sent.name };
    return started(sagaOperation(await beginRenameInstance(lxd, rename, requestorOf(request))));
  }
  if (sent.target !== undefined && sent.target !== null)
    fail('unsupported', 'Moving to another server is not supported by this version of Berth');
  if (sent.pool !== '' && sent.pool !== value.pool)
    fail('unsupported', 'Moving to another storage pool is not supported by this version of Berth');
  if (sent.project !== '' && sent.project !== projectOf(request))
    fail('not-found', `Project not found: ${sent.project}`);
  if (sent.instance_only && snapshotsOf(lxd.view, value.id).length > 0)
    fail('unsupported', 'Snapshots move with their instance: delete those that shall not');
  const wish = { mode: sent['berth.mode'] ?? undefined, detach: sent['berth.detach'] };
  const newName = sent.name === '' ? name : sent.name;
  const move = { project, name, live: sent.live, target: targetOf(request), newName, ...wish };
  if (isTrue(request.query['dry-run'])) return sync(planOf(await checkMove(lxd, move)));
  if (move.target === undefined)
    fail('unsupported', 'Moving to another server is not supported: name a member of this cluster with target');
  return started(sagaOperation(await beginMoveInstance(lxd, move, requestorOf(request))));
}

/** One that does not run has nothing to check: only its disk travels. */
function planOf({ placement, verdict, obstacles, ...found }: MoveCheck) {
  if (verdict === 'cold' || placement.node === '') return { placement };
  const check = {
    verdict,
    obstacles,
    memory_bytes: found.memoryBytes,
    disk_bytes: found.diskBytes,
    processes: found.processes,
    wire_bytes_per_second: found.wireBytesPerSecond,
    mode: found.mode,
    mode_reason: found.why,
    predicted_pause_ms: found.predictedPauseMs,
    predicted_total_ms: found.predictedTotalMs,
  };
  return { placement, check };
}

/** An archive that a client sends: its bytes go on to a host as they come, which says then what it is. */
import { randomUUID } from 'node:crypto';
import type { BackupIndex } from '../../../rpc/gen/berth/agent/v1/backups_pb.ts';
import type { ApiRequest } from '../../http/request.ts';
import type { Lxd } from '../context.ts';

/** Reading a large archive from end to end on a slow disk. */
const EXAMINE_TIMEOUT_MS = 1_800_000;

/** @param work begins what takes the upload over; when it throws nothing of the upload is left. */
export async function receiveBackup<T>(
  lxd: Lxd,
  request: ApiRequest,
  node: string,
  work: (found: BackupIndex, upload: string) => Promise<T>,
): Promise<T> {
  const agent = lxd.agents.of(node);
  const upload = randomUUID();
  try {
    await lxd.bulk.upload(node, agent, { upload, part: 'meta' }, request.body);
    if (request.signal.aborted) throw request.signal.reason;
    return await work(await agent.examineBackup({ upload }, { timeoutMs: EXAMINE_TIMEOUT_MS }), upload);
  } catch (error) {
    await agent.finishUpload({ upload, discard: true }).catch(cause => {
      request.log.warn('upload not discarded', { node, upload, cause });
    });
    throw error;
  }
}

/** The name that the client wants for what the archive holds; '' = as it says itself. */
export function wantedName({ headers }: ApiRequest): string {
  const value = headers['x-lxd-name'];
  return (Array.isArray(value) ? value[0] : value) ?? '';
}

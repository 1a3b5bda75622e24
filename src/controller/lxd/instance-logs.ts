/** `.../logs`: what LXC wrote about an instance, and what recorded commands wrote. */
import { fail } from '../../domain/errors.ts';
import { commit } from '../commit.ts';
import { type Answer, DONE, raw, sync } from '../http/answer.ts';
import type { ApiRequest } from '../http/request.ts';
import { refOf } from '../instances/expanded.ts';
import { findRecording, listRecordings, removeRecording } from '../sessions/recordings.ts';
import type { Lxd } from './context.ts';
import { findInstance } from './instance.ts';
import { urlOf } from './lists.ts';

const LXC_LOG = 'lxc.log';

export function logFiles(lxd: Lxd, request: ApiRequest): Answer {
  const { project, name } = findInstance(lxd, request).value;
  const files = [LXC_LOG, ...listRecordings(lxd.view, project, name)];
  return sync(files.map(file => urlOf('instances', name, 'logs', file)));
}

export async function logFile(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { value } = findInstance(lxd, request);
  const file = request.params.file!;
  if (file === LXC_LOG) {
    const { text } = await lxd.agents.of(value.node).getLog(refOf(value, value.generation));
    return raw('text/plain', text);
  }
  const recorded = findRecording(lxd.view, value.project, value.name, file) ?? notFound(file);
  return raw('application/octet-stream', recorded);
}

export async function removeLogFile(lxd: Lxd, request: ApiRequest): Promise<Answer> {
  const { project, name } = findInstance(lxd, request).value;
  const file = request.params.file!;
  if (file === LXC_LOG) fail('invalid', `"${LXC_LOG}" cannot be deleted`);
  if (findRecording(lxd.view, project, name, file) === undefined) notFound(file);
  await commit(lxd, removeRecording(project, name, file));
  return DONE;
}

const notFound = (file: string): never => fail('not-found', `Log file not found: ${file}`);

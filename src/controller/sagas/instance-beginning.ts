/** How sagas on one instance begin, whoever begins them: a user, a reconciler, or a larger saga. */
import type { InstanceRecord } from '../../domain/instance.ts';
import type { Beginning } from '../saga/engine.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { instanceResources } from './urls.ts';

export function instanceBeginning(
  description: string,
  { project, name, node }: Pick<InstanceRecord, 'project' | 'name' | 'node'>,
  requestor?: SagaRecord['requestor'],
): Beginning {
  return {
    project,
    description,
    resources: instanceResources(project, name),
    locks: [`instance/${project}/${name}`],
    location: node,
    ...(requestor === undefined ? {} : { requestor }),
  };
}

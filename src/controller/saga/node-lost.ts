/** A call to an agent that will not be answered, because the cluster holds its node for offline or removed. */
import { AppError } from '../../domain/errors.ts';

/** What it means is for the saga's runner: before the pivot unwind, after it go on without that node. */
export class NodeLost extends AppError {
  readonly node: string;

  constructor(node: string, cause?: unknown) {
    super('unavailable', `node ${node} is offline`, cause);
    this.node = node;
  }
}

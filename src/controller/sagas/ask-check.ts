/** The preflight's question, as the saga and `berth move --check` put it to the source: with the target's own description. */
import type { InstanceRecord } from '../../domain/instance.ts';
import type { CheckMoveResponse } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Agents } from '../agents.ts';
import { refOf } from '../instances/expanded.ts';

export interface Wish {
  /** As it was asked for, or `auto`. */
  readonly mode: string;
  /** Exec sessions may be ended. */
  readonly detach: boolean;
}

/** @throws AppError `unavailable` if one cannot be reached, also by the other */
export async function askCheck(
  agents: Agents,
  value: InstanceRecord,
  to: string,
  wish: Wish,
): Promise<CheckMoveResponse> {
  const [target, probe] = await Promise.all([
    agents.of(to).getHost({}),
    agents.of(to).issueDataToken({ kind: 'wire-probe' }),
  ]);
  return agents.of(value.node).checkMove({ ref: refOf(value, value.generation), target, probe, ...wish });
}

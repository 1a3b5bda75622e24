/** Which move, of which instance, under which ownership, and which of its two ends this host is. */
import { fail } from '../../domain/errors.ts';
import type { MoveRef } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';
import { checkId } from '../spec.ts';

export type Role = 'source' | 'target';

export interface MoveKey {
  /** The saga's id. */
  readonly move: string;
  readonly instance: string;
  /** The one that the target will have; the source's is older. */
  readonly generation: number;
  readonly role: Role;
}

/** @throws AppError `invalid` */
export function parseMoveRef(message: MoveRef | undefined, role: Role): MoveKey {
  if (message === undefined) fail('invalid', 'ref is missing');
  if (message.role !== '' && message.role !== role) fail('invalid', `this verb is for the ${role} of a move`);
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(message.move)) fail('invalid', `"${message.move}" is not the id of a move`);
  return { move: message.move, instance: checkId(message.instance), generation: Number(message.generation), role };
}

/** One name for the move of one instance: that of its folder, and of the transfer of its volume on both hosts. */
export const transferId = ({ move, instance }: MoveKey): string => `${move}.${instance}`;

/** As parameters of a stream of the data plane, and back. `role`: of the end that serves the stream. */
export const keyParams = ({ move, instance, generation }: MoveKey): Readonly<Record<string, string>> => ({
  move,
  instance,
  generation: String(generation),
});

export function keyOf({ move, instance, generation }: Readonly<Record<string, string>>, role: Role): MoveKey {
  return { move: move!, instance: instance!, generation: Number(generation), role };
}

/** The agents as the controller sees them: one gRPC client a node, made when first needed. Tests put in-memory ones here. */

import type { Agent } from '../rpc/gen/berth/agent/v1/agent_pb.ts';
import type { Client } from '../rpc/shapes.ts';

export type AgentClient = Client<typeof Agent>;

export interface Agents {
  /** @throws AppError `not-found` if no such node has joined. */
  of(node: string): AgentClient;
}

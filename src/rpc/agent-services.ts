/**
 * What an agent serves: one proto file and one service a noun, all over one connection. Both sides see them as one object
 * with all verbs, so that their names must differ; TypeScript says so when two do not agree.
 */
import { Agent } from './gen/berth/agent/v1/agent_pb.ts';
import { Backups } from './gen/berth/agent/v1/backups_pb.ts';
import { Files } from './gen/berth/agent/v1/files_pb.ts';
import { Images } from './gen/berth/agent/v1/images_pb.ts';
import { Networks } from './gen/berth/agent/v1/network_pb.ts';
import { Usage } from './gen/berth/agent/v1/usage_pb.ts';
import { Volumes } from './gen/berth/agent/v1/volumes_pb.ts';
import type { Client, Server } from './shapes.ts';

export const AGENT_SERVICES = [Agent, Backups, Files, Images, Networks, Usage, Volumes] as const;

export type AgentServices = (typeof AGENT_SERVICES)[number];
export type AgentServer = Server<AgentServices>;
export type AgentClient = Client<AgentServices>;

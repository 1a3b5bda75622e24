import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { AppError } from '../../domain/errors.ts';
import { runChild } from '../child.ts';
import { requireJoinToken } from '../remotes/token.ts';

export interface AgentOptions {
  readonly data: string;
  /** IP:PORT */
  readonly address: string;
}

/**
 * Lets the agent's own program join; this tool is no part of the agent and only starts it. Resolves with its exit code.
 */
export async function joinCluster(token: string, { data, address }: AgentOptions): Promise<number> {
  requireJoinToken(token);
  return runChild(process.execPath, [
    agentProgram(import.meta.dirname),
    'join',
    token,
    '--data',
    data,
    '--address',
    address,
  ]);
}

function agentProgram(from: string): string {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder)) {
    const program = join(folder, 'src/agent/main.ts');
    if (existsSync(program)) return program;
  }
  throw new AppError(
    'not-found',
    'The agent is not installed on this machine: install the whole of Berth here, not this tool alone',
  );
}

/** Runs one command through an agent's Exec call and gathers what it says. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AgentClient } from '../../rpc/agent-services.ts';
import type { ExecInputSchema, ExecStartSchema } from '../../rpc/gen/berth/agent/v1/agent_pb.ts';

export type Input = MessageInitShape<typeof ExecInputSchema>;
export type Start = Extract<MessageInitShape<typeof ExecStartSchema>, { $typeName?: never }>;
/** What to send after the start; `said` resolves when stdout contains a text. */
export type Inputs = (said: (text: string) => Promise<void>) => AsyncIterable<Input>;

export interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | undefined;
}

export async function execIn(client: AgentClient, start: Start, inputs: Inputs = nothing): Promise<Said> {
  let stdout = '';
  let stderr = '';
  let code: number | undefined;
  let heard = () => {};
  const said = async (text: string) => {
    while (!stdout.includes(text)) {
      await new Promise<void>(resolve => {
        heard = resolve;
      });
    }
  };
  async function* all(): AsyncGenerator<Input> {
    yield { input: { case: 'start', value: start } };
    yield* inputs(said);
  }
  for await (const { output } of client.exec(all())) {
    if (output.case === 'stdout') stdout += Buffer.from(output.value).toString();
    if (output.case === 'stderr') stderr += Buffer.from(output.value).toString();
    if (output.case === 'exited') code = output.value;
    heard();
  }
  return { stdout, stderr, code };
}

async function* nothing(): AsyncGenerator<Input> {}

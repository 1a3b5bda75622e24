/** File access for the wire: a verb that opens the door, and a stream on the data plane that goes through it as SFTP. */
import { pipeline } from 'node:stream/promises';
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { DataPlane } from '../data-plane/listener.ts';
import type { Host } from '../host.ts';
import { parseRef } from '../spec.ts';

/** Params: id, generation. One empty question, answered when the door is open; from then on the bytes are SFTP. */
const FILES_STREAM = 'instance-files';
const TOKEN_TTL_MS = 60_000;

export function fileService(host: Host, dataPlane: DataPlane) {
  dataPlane.handle(FILES_STREAM, async ({ channel, params }) => {
    const ref = { id: params.id!, generation: Number(params.generation) };
    const question = await channel.receive();
    if (question === undefined) return;
    const helper = await host.fileDoors.open(host, ref);
    try {
      await channel.reply({});
      for await (const _ of question.body);
      const stream = channel.detach();
      stream.once('close', () => helper.kill('SIGKILL'));
      const both = [pipeline(stream, helper.stdin, { end: true }), pipeline(helper.stdout, stream)];
      await Promise.allSettled(both);
    } finally {
      helper.kill('SIGKILL');
    }
  });
  return {
    async openFiles(message) {
      const ref = parseRef(message);
      host.ledger.expect(ref);
      const token = dataPlane.issueToken(
        FILES_STREAM,
        { id: ref.id, generation: String(ref.generation) },
        TOKEN_TTL_MS,
      );
      return { token, address: host.config.dataListen };
    },
  } satisfies Partial<AgentServer>;
}

/**
 * The agent's program: `join` once, then `run` for ever. Only here are arguments and the environment read. Each verb loads
 * only what it needs: the smaller the agent, the cheaper the processes it starts.
 */
import { flushCompileCache } from 'node:module';
import { parseArgs } from 'node:util';
import pino from 'pino';
import { AppError, fail } from '../domain/errors.ts';
import { keepDescriptorsToOurselves } from './libc.ts';

const USAGE = `usage: agent join TOKEN --address IP:PORT [--data DIR]
       agent run [--data DIR]`;
const DATA = '/var/lib/berth/agent';

async function main(argv: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: { data: { type: 'string', default: DATA }, address: { type: 'string' } },
  });
  const [verb, token] = positionals;
  if (verb === 'join' && token !== undefined && values.address !== undefined) {
    const { joinCluster } = await import('./join.ts');
    const name = await joinCluster({ token, data: values.data, address: values.address });
    process.stdout.write(`This host has joined the cluster as ${name}.\n`);
    return;
  }
  if (verb !== 'run') fail('invalid', USAGE);
  await run(values.data);
}

/** Containers live on when the agent ends, however it ends. */
async function run(data: string): Promise<void> {
  keepDescriptorsToOurselves();
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime, messageKey: 'message' });
  const { openAgent } = await import('./open-agent.ts');
  const agent = await openAgent({ data, criu: process.env.BERTH_CRIU, log });
  log.info({ address: agent.address }, 'agent runs');
  flushCompileCache(); // at its end it may have no time for that
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.once(signal, () => {
      log.info({ signal }, 'agent ends; its containers run on');
      void agent.close().then(() => process.exit(0));
    });
  }
}

main(process.argv.slice(2)).catch(thrown => {
  const { code, message } = AppError.from(thrown);
  process.stderr.write(`${code === 'internal' ? (thrown as Error).stack : message}\n`);
  process.exit(1);
});

/** A real agent process on this host, with certificates of a test authority and a client that speaks as a controller. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { issue, makeAuthority } from '../../kit/certificates.ts';
import { AGENT_SERVICES, type AgentClient, type AgentServices } from '../../rpc/agent-services.ts';
import { type Connection, connectGrpc } from '../../rpc/client.ts';
import { agentUri, controllerUri, type TlsIdentity } from '../../rpc/identity.ts';
import { type Running, run, start } from '../command.ts';

export interface TestAgent {
  readonly data: string;
  /** The agent's program. */
  readonly main: string;
  readonly address: string;
  readonly client: AgentClient;
  readonly controller: TlsIdentity;
  /** Ends the process at once and starts another on the same data. */
  killAndRestart(): Promise<void>;
  /** Folder of the root of an instance that was made in a pool of folders. */
  rootOf(id: string): Promise<string>;
  close(): Promise<void>;
}

const MAIN = new URL('../main.ts', import.meta.url).pathname;

export async function startTestAgent(prefix: string, bridge: string): Promise<TestAgent> {
  const data = await mkdtemp(join(tmpdir(), 'berth-agent-'));
  await run('chmod', ['711', data]);
  const address = `127.0.0.1:${await freePort()}`;
  const authority = await makeAuthority('test');
  const identity = async (uri: string): Promise<TlsIdentity> => ({
    ca: authority.cert,
    ...(await issue(authority, 'x', [{ type: 'url', value: uri }])),
  });
  const own = await identity(agentUri('n1'));
  await mkdir(join(data, 'tls'));
  await writeFile(join(data, 'tls/ca.crt'), own.ca);
  await writeFile(join(data, 'tls/agent.crt'), own.cert);
  await writeFile(join(data, 'tls/agent.key'), own.key);
  const config = { name: 'n1', listen: address, bridge, cgroupPrefix: prefix };
  await writeFile(join(data, 'agent.yaml'), stringify(config));

  const controller = await identity(controllerUri('c1'));
  let running = await launch(data);
  const connection: Connection<AgentServices> = connectGrpc({
    address,
    tls: controller,
    expect: agentUri('n1'),
    services: AGENT_SERVICES,
    who: 'node n1',
  });
  return {
    data,
    main: MAIN,
    address,
    controller,
    client: connection.client,
    async rootOf(id) {
      const { stdout } = await run('find', [data, '-type', 'd', '-name', 'rootfs', '-path', `*${id}*`]);
      return stdout.trim();
    },
    async killAndRestart() {
      running.kill('SIGKILL');
      await running.exited;
      running = await launch(data);
    },
    async close() {
      connection.close();
      running.end();
      await running.exited;
      for (const mount of await mountsBelow(data)) await run('umount', ['-l', mount]);
      await rm(data, { recursive: true, force: true });
    },
  };
}

async function mountsBelow(folder: string): Promise<readonly string[]> {
  const lines = (await readFile('/proc/self/mountinfo', 'utf8')).split('\n');
  return lines.map(line => line.split(' ')[4] ?? '').filter(point => point.startsWith(`${folder}/`));
}

/** Resolves when it serves. */
async function launch(data: string): Promise<Running> {
  const running = start(process.execPath, [MAIN, 'run', '--data', data]);
  let said = '';
  running.stderr.on('data', (chunk: Buffer) => {
    process.stderr.write(chunk);
  });
  await new Promise<void>((resolve, reject) => {
    running.stdout.on('data', (chunk: Buffer) => {
      said += chunk;
      if (said.includes('agent runs')) resolve();
    });
    running.exited.then(() => reject(new Error(`the agent ended: ${said}`)), reject);
  });
  return running;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(error => (error ? reject(error) : resolve(port)));
    });
  });
}

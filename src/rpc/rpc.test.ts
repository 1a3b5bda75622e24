import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { AppError } from '../domain/errors.ts';
import { issue, makeAuthority } from '../kit/certificates.ts';
import { AGENT_SERVICES, type AgentClient, type AgentServer, type AgentServices } from './agent-services.ts';
import { type Connection, connectGrpc } from './client.ts';
import { agentUri, controllerUri, isController, type TlsIdentity } from './identity.ts';
import { connectInMemory } from './in-memory.ts';
import { type GrpcServer, serveGrpc } from './server.ts';

const notHere = () => {
  throw new AppError('unsupported', 'not in this test');
};

/** Just enough of an agent to see every kind of call. */
function fakeAgent(): AgentServer {
  const methods = AGENT_SERVICES.flatMap(({ methods: all }) => all).map(({ localName: name }) => [name, notHere]);
  return {
    ...(Object.fromEntries(methods) as unknown as AgentServer),
    getHost: async (_request, context) => ({ node: 'n1', kernel: context.peer ?? '' }),
    ensureNoInstance: async () => {
      throw new AppError('conflict', 'generation 3 is older than 4 — “c1” moved');
    },
    ensureImage: async function* () {
      yield { phase: 'download', bytes: 1n };
      yield { phase: 'unpack', done: true };
    },
    exec: async function* (inputs) {
      for await (const message of inputs) {
        if (message.input.case === 'stdin') yield { output: { case: 'stdout', value: message.input.value } };
        if (message.input.case === 'stdinEnd') yield { output: { case: 'exited', value: 7 } };
      }
    },
  };
}

async function exercise(client: AgentClient) {
  assert.equal((await client.getHost({})).node, 'n1');
  await assert.rejects(client.ensureNoInstance({}), (error: AppError) => {
    assert.equal(error.code, 'conflict');
    assert.match(error.message, /“c1” moved/);
    return true;
  });
  const phases = [];
  for await (const progress of client.ensureImage({ fingerprint: 'f' })) phases.push(progress.phase);
  assert.deepEqual(phases, ['download', 'unpack']);

  async function* typed() {
    yield { input: { case: 'stdin' as const, value: Buffer.from('hello') } };
    yield { input: { case: 'stdinEnd' as const, value: true } };
  }
  const outputs = [];
  for await (const { output } of client.exec(typed()))
    outputs.push(output.case === 'stdout' ? Buffer.from(output.value).toString() : output.value);
  assert.deepEqual(outputs, ['hello', 7]);
}

describe('rpc', () => {
  let server: GrpcServer;
  let tls: { agent: TlsIdentity; controller: TlsIdentity; other: TlsIdentity };
  const open: Connection<AgentServices>[] = [];

  before(async () => {
    const authority = await makeAuthority('test');
    const identity = async (uri: string) => ({
      ca: authority.cert,
      ...(await issue(authority, 'x', [{ type: 'url', value: uri }])),
    });
    tls = {
      agent: await identity(agentUri('n1')),
      controller: await identity(controllerUri('c1')),
      other: await identity(agentUri('n2')),
    };
    server = await serveGrpc({
      address: '127.0.0.1:0',
      tls: tls.agent,
      services: AGENT_SERVICES,
      implementation: fakeAgent(),
      allow: isController,
    });
  });
  after(async () => {
    for (const connection of open) connection.close();
    await server.close();
  });

  const connect = (identity: TlsIdentity, expect = agentUri('n1')) => {
    const connection = connectGrpc({
      address: `127.0.0.1:${server.port}`,
      tls: identity,
      expect,
      services: AGENT_SERVICES,
      who: 'node n1',
    });
    open.push(connection);
    return connection.client;
  };

  it('carries every kind of call and our errors over mutual TLS', async () => {
    const client = connect(tls.controller);
    await exercise(client);
    assert.equal((await client.getHost({})).kernel, 'berth://controller/c1');
  });

  it('behaves the same in memory', () => exercise(connectInMemory(AGENT_SERVICES, fakeAgent())));

  it('refuses a caller with the wrong role', async () => {
    await assert.rejects(connect(tls.other).getHost({}), { code: 'forbidden' });
  });

  it('refuses a server with the wrong name', async () => {
    await assert.rejects(connect(tls.controller, agentUri('n9')).getHost({}, { timeoutMs: 2000 }), {
      code: 'unavailable',
    });
  });
});

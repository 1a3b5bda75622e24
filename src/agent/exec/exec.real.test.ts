import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../command.ts';
import { makeBusyboxRoot } from '../testing/busybox-root.ts';
import { eventually } from '../testing/eventually.ts';
import { execIn, type Input, type Inputs, type Start } from '../testing/exec-in.ts';
import { inOwnHost } from '../testing/own-host.ts';
import { startTestAgent, type TestAgent } from '../testing/test-agent.ts';

const PREFIX = process.env.BERTH_OWN_HOST ?? `berth-test-exec-${process.pid}`;
await inOwnHost(import.meta.url, PREFIX);

const ref = { id: '66666666-6666-4666-8666-666666666666', generation: 1n };

describe('exec', () => {
  let agent: TestAgent;
  const setState = (state: string) => agent.client.ensureState({ ref, state, force: true });
  const exec = (command: string[], start: Partial<Start> = {}, inputs?: Inputs) =>
    execIn(agent.client, { ref, command, ...start }, inputs);

  before(async () => {
    agent = await startTestAgent(PREFIX, 'lo');
    await agent.client.ensurePool({ name: 'default', driver: 'dir' });
    const config = { 'environment.GREETING': 'hello world' };
    const devices = { root: { options: { type: 'disk', path: '/', pool: 'default' } } };
    for await (const _ of agent.client.ensureInstance({ spec: { ...ref, name: 'c1', config, devices } }));
    await makeBusyboxRoot(await agent.rootOf(ref.id), 1_000_000);
    await setState('running');
  });
  after(() => agent.close());

  it('passes output, errors and exit code', async () => {
    const result = await exec(['sh', '-c', 'echo out; echo err >&2; exit 7']);
    assert.deepEqual(result, { stdout: 'out\n', stderr: 'err\n', code: 7 });
    assert.equal((await exec(['sh', '-c', 'kill -9 $$'])).code, 137);
    assert.equal((await exec(['no-such-command'])).code, 127);
    assert.equal((await exec(['/etc/passwd'])).code, 126);
  });

  it('gives a clean environment, the instance’s and the caller’s', async () => {
    const { stdout } = await exec(['env'], { environment: { MINE: 'a=b c', TERM: 'vt100' } });
    const lines = stdout.split('\n').sort();
    for (const line of ['HOME=/root', 'USER=root', 'LANG=C.UTF-8', 'GREETING=hello world', 'MINE=a=b c', 'TERM=vt100'])
      assert.ok(lines.includes(line), line);
    assert.ok(!lines.some(line => line.startsWith('LC_ALL')), 'nothing of the host');
  });

  it('knows user, group and folder', async () => {
    assert.equal(
      (await exec(['sh', '-c', 'id -u; id -g; pwd'], { user: 1000, group: 1001, cwd: '/tmp' })).stdout,
      '1000\n1001\n/tmp\n',
    );
    assert.equal((await exec(['pwd'])).stdout, '/root\n');
  });

  it('carries megabytes both ways', async () => {
    const chunk = Buffer.alloc(64 * 1024, 'x');
    const { stdout, code } = await exec(['cat'], {}, async function* () {
      for (let i = 0; i < 64; i += 1) yield { input: { case: 'stdin', value: chunk } };
      yield { input: { case: 'stdinEnd', value: true } };
    });
    assert.equal(code, 0);
    assert.equal(stdout.length, 64 * chunk.length);
  });

  it('is not held by a daemon that keeps the output, which lives on in a session of its own', async () => {
    const { stdout } = await exec(['sh', '-c', 'sleep 77 & echo $!']);
    const pid = stdout.trim();
    const status = await exec(['sh', '-c', `cat /proc/${pid}/stat; kill ${pid}`]);
    const session = Number(status.stdout.split(') ')[1]!.split(' ')[3]);
    assert.ok(session > 0, 'its session was made inside');
  });

  it('forwards signals', async () => {
    const { stdout, code } = await exec(
      ['sh', '-c', 'trap "echo got; exit 3" USR1; echo ready; while :; do sleep 0.05; done'],
      {},
      async function* (said) {
        await said('ready');
        yield { input: { case: 'signal', value: 10 } };
      },
    );
    assert.match(stdout, /got/);
    assert.equal(code, 3);
  });

  it('gives a terminal: size, resize, control characters, exit code', async () => {
    const text = (value: string): Input => ({ input: { case: 'stdin', value: Buffer.from(value) } });
    const start = { interactive: true, size: { width: 100, height: 30 }, environment: { TERM: 'xterm' } };
    const { stdout, code } = await exec(['sh'], start, async function* (said) {
      yield text('tty; stty size; echo "first"-done\n');
      await said('first-done');
      yield { input: { case: 'resize', value: { width: 60, height: 20 } } };
      yield text('sleep 0.1; stty size; echo "second"-done\n');
      await said('second-done');
      yield text(`sh -c 'echo "now"-sleeping; sleep 1000'\n`);
      await said('now-sleeping');
      yield text('\x03');
      yield text('echo "third"-done; exit 5\n');
    });
    assert.match(stdout, /\/dev\/pts\/\d/);
    assert.match(stdout, /30 100/);
    assert.match(stdout, /20 60/);
    assert.match(stdout, /third-done/);
    assert.equal(code, 5);
  });

  it('ends with the command on a terminal too, whatever a shell left running there', { timeout: 20_000 }, async () => {
    const text = (value: string): Input => ({ input: { case: 'stdin', value: Buffer.from(value) } });
    const { stdout, code } = await exec(['sh'], { interactive: true }, async function* (said) {
      yield text('sleep 43218 & echo "left"-behind\n');
      await said('left-behind');
      yield text('seq 1 20000; exit 6\n');
    });
    assert.equal(code, 6);
    assert.match(stdout, /\n20000\r?\n/, 'its last output was not lost');
    assert.equal((await exec(['sh', '-c', 'kill $(busybox pidof sleep)'])).code, 0, 'it lived on');
  });

  it('ends the command when its caller goes', async () => {
    for (const interactive of [false, true]) {
      const abort = new AbortController();
      async function* inputs(): AsyncGenerator<Input> {
        const command = ['sh', '-c', `echo ready; sleep 4321${interactive ? 1 : 0}`];
        yield { input: { case: 'start', value: { ref, command, interactive } } };
      }
      await assert.rejects(async () => {
        for await (const { output } of agent.client.exec(inputs(), { signal: abort.signal }))
          if (output.case === 'stdout') abort.abort();
      });
    }
    await eventually(async () => {
      const { stdout } = await run('ps', ['-eo', 'args']);
      assert.ok(!stdout.includes('sleep 4321'));
      assert.ok(!stdout.includes(`lxc-attach -P ${agent.data}`));
    });
  });

  it('ends with its agent: the next one leaves no orphan', async () => {
    const orphaned = exec(['sh', '-c', 'echo ready; sleep 43217']).catch(() => {});
    await eventually(async () => assert.match((await run('ps', ['-eo', 'args'])).stdout, /sleep 43217/));
    await agent.killAndRestart();
    await orphaned;
    await eventually(async () => assert.doesNotMatch((await run('ps', ['-eo', 'args'])).stdout, /sleep 43217/));
    await eventually(async () => assert.equal((await exec(['true'])).code, 0));
    await assert.rejects(run(process.execPath, [agent.main, 'run', '--data', agent.data]), /another agent runs on/);
  });

  it('says so when the instance does not run', async () => {
    await setState('stopped');
    await assert.rejects(exec(['true']), /Instance is not running/);
    await setState('running');
  });
});

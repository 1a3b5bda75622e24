/** Metadata, templates and the console as the real `lxc` 5.0.2 and `berth` handle them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

describe('metadata, templates and console with lxc', { timeout: 180_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lxc-metadata');
    await harness.lxc(['init', 'busybox', 'c1', '--target', 'n1']);
  });
  after(() => harness?.close());
  const lxc = async (args: readonly string[], input?: string) =>
    (await harness.lxc(args, input === undefined ? {} : { input })).stdout;
  const inside = (name: string, script: string) => lxc(['exec', name, '--', 'sh', '-c', script]);

  it('a new template makes its file at its trigger, and no other one', async () => {
    await lxc(['config', 'template', 'create', 'c1', 'motd.tpl']);
    await lxc(['config', 'template', 'edit', 'c1', 'motd.tpl'], 'I am {{ container.name }}, {{ properties.who }}\n');
    assert.match(await lxc(['config', 'template', 'list', 'c1', '--format', 'csv']), /^motd\.tpl$/m);
    assert.match(await lxc(['config', 'template', 'show', 'c1', 'motd.tpl']), /^I am \{\{/);
    const before = await lxc(['config', 'metadata', 'show', 'c1']);
    assert.match(before, /^architecture: x86_64$/m);
    const motd = '  /etc/motd: {when: [start], template: motd.tpl, properties: {who: a friend}}';
    const edited = `${before.replace(/^templates:.*(\n .*)*/m, '')}\ntemplates:\n${motd}\n`;
    await lxc(['config', 'metadata', 'edit', 'c1'], edited);
    assert.match(await lxc(['config', 'metadata', 'show', 'c1']), /motd\.tpl/);
    await lxc(['start', 'c1']);
    assert.equal(await inside('c1', 'cat /etc/motd'), 'I am c1, a friend\n');
  });

  it('goes with it: to another host, to a copy, into an image', async () => {
    await lxc(['stop', 'c1', '--force']);
    await lxc(['move', 'c1', '--target', 'n2']);
    await lxc(['copy', 'c1', 'c2']);
    await lxc(['start', 'c1', 'c2']);
    assert.equal(await inside('c1', 'cat /etc/motd'), 'I am c1, a friend\n');
    assert.equal(await inside('c2', 'cat /etc/motd'), 'I am c2, a friend\n');
    await lxc(['stop', 'c2', '--force']);
    await lxc(['publish', 'c2', '--alias', 'with-motd']);
    await lxc(['launch', 'with-motd', 'c3', '--target', 'n3']);
    assert.equal(await inside('c3', 'cat /etc/motd'), 'I am c3, a friend\n');
  });

  it('berth does the same', async () => {
    const berth = async (...args: string[]) => (await harness.berth(args)).stdout;
    assert.match(await berth('config', 'template', 'list', 'c3'), /FILENAME/);
    await harness.berth(['config', 'template', 'edit', 'c3', 'motd.tpl'], { input: 'other\n' });
    assert.equal(await berth('config', 'template', 'show', 'c3', 'motd.tpl'), 'other\n');
    await berth('config', 'template', 'delete', 'c3', 'motd.tpl');
    assert.doesNotMatch(await berth('config', 'template', 'list', 'c3'), /motd/);
    const shown = await berth('config', 'metadata', 'show', 'c3');
    await harness.berth(['config', 'metadata', 'edit', 'c3'], {
      input: `${shown}\nexpiry_date: 7\n`.replace(/^expiry_date: 0$/m, ''),
    });
    assert.match(await berth('config', 'metadata', 'show', 'c3'), /expiry_date: 7/);
    assert.match(await harness.berthFails('config', 'template', 'show', 'c3', 'motd.tpl'), /motd\.tpl/);
  });

  it('the console asks for a login, and is left by Ctrl-a q', async () => {
    for (const program of ['lxc', 'berth'] as const) {
      const { stdout, code } = await onTerminal(harness, `${program} console c1`, /login:/, ['\x01', 'q']);
      assert.match(stdout, /detach from the console/i);
      assert.equal(code, 0, stdout);
    }
    const { code, stderr } = await harness.lxc(['console', 'c1', '--show-log'], { allowFailure: true });
    assert.notEqual(code, 0);
    assert.match(stderr, /journalctl/);
  });
});

/** Types the keys, one after the other, when the terminal shows what is awaited. */
async function onTerminal({ env }: Harness, line: string, awaited: RegExp, keys: readonly string[]) {
  const bin = resolve(import.meta.dirname, '../../bin');
  const path = `${bin}:${process.env.PATH}`;
  const terminal = spawn('script', ['-qec', line, '/dev/null'], {
    env: { ...process.env, ...env, PATH: path },
    timeout: 30_000,
  });
  let stdout = '';
  let answered = false;
  terminal.stdout.on('data', chunk => {
    stdout += chunk;
    if (answered || !awaited.test(stdout)) return;
    answered = true;
    terminal.stdin.write(keys[0]!); // lxc looks only at the first key of what comes together
    setTimeout(() => terminal.stdin.write(keys[1]!), 100);
  });
  const [code] = (await once(terminal, 'close')) as [number];
  return { stdout, code };
}

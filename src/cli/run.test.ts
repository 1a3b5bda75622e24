import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { Command } from 'commander';
import { COMMANDS } from './command-table.ts';
import { buildProgram, run, typedCommand } from './run.ts';
import { Session } from './session.ts';
import { fakeIo } from './testing/fake-server.ts';
import { VERSION } from './version-number.ts';

async function berth(words: readonly string[]) {
  const { io, out, err } = fakeIo();
  return { code: await run(words, io), out: out(), err: err() };
}

test('the version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  assert.equal(VERSION, version);
  assert.equal((await berth(['--version'])).out, `${version}\n`);
});

test('help lists every command and exits with 0', async () => {
  const { code, out } = await berth(['--help']);
  assert.equal(code, 0);
  for (const { name, hidden } of COMMANDS)
    assert.equal(new RegExp(`^  ${name}[ |]`, 'm').test(out), hidden !== true, name);
});

test('every command can be defined, describes itself and its subcommands, and does something', async () => {
  const session = new Session(fakeIo().io);
  for (const { name } of COMMANDS) {
    const program = await buildProgram([name], session);
    const leaves = (command: Command): readonly Command[] =>
      command.commands.length === 0 ? [command] : command.commands.flatMap(leaves);
    for (const leaf of leaves(program.commands.find(command => command.name() === name)!)) {
      assert.ok(leaf.description() !== '' || name === '__complete', `${name} ${leaf.name()} has no description`);
      assert.ok(
        (leaf as unknown as { _actionHandler: unknown })._actionHandler,
        `${name} ${leaf.name()} has no action`,
      );
    }
  }
});

test('the typed command is found behind global options and help', () => {
  assert.equal(typedCommand(['--project', 'list', '-q', 'info']), 'info');
  assert.equal(typedCommand(['help', 'exec']), 'exec');
  assert.equal(typedCommand(['--help']), undefined);
});

test('what is unknown exits with 1 and suggests', async () => {
  const unknown = await berth(['lits']);
  assert.equal(unknown.code, 1);
  assert.match(unknown.err, /^Error: unknown command 'lits'/);
  assert.match(unknown.err, /Did you mean/);
  assert.deepEqual(await berth(['list', '--nope']), { code: 1, out: '', err: "Error: unknown option '--nope'\n" });
});

test('an error is one line on standard error', async () => {
  assert.deepEqual(await berth(['list', 'nope:']), {
    code: 1,
    out: '',
    err: `Error: The remote "nope" doesn't exist\n`,
  });
});

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { attachCommand, type ExecRequest } from './attach-command.ts';

const request: ExecRequest = {
  command: ['echo', '$(id)'],
  environment: {},
  interactive: false,
  user: 0,
  group: 0,
  cwd: '',
};
const attach = (change: Partial<ExecRequest>, config = {}, setsid?: string) =>
  attachCommand('/data/lxc', 'ID', { ...request, ...change }, config, setsid);
const commandOf = (args: readonly string[]) => args.slice(args.indexOf('--') + 1);

describe('attach command', () => {
  it('hands the words over as they are, in a session made inside where there is a setsid', () => {
    assert.deepEqual(commandOf(attach({}).args), ['echo', '$(id)']);
    assert.deepEqual(commandOf(attach({}, {}, '/usr/bin/setsid').args), ['/usr/bin/setsid', 'echo', '$(id)']);
    assert.deepEqual(commandOf(attach({ interactive: true }, {}, '/usr/bin/setsid').args), ['echo', '$(id)']);
  });

  it('changes folder inside, with the folder as data', () => {
    assert.deepEqual(commandOf(attach({ cwd: '/tmp; id' }).args), [
      '/bin/sh',
      '-c',
      'cd -- "$0" && exec "$@"',
      '/tmp; id',
      'echo',
      '$(id)',
    ]);
    assert.equal(attach({}).cwd, '/root');
    assert.equal(attach({ user: 1000 }).cwd, '/');
  });

  it('knows three layers of environment: defaults, the instance, the caller', () => {
    const { args } = attach({ environment: { A: 'caller' } }, { 'environment.A': 'instance', 'environment.B': 'b' });
    assert.ok(args.includes('A=caller'));
    assert.ok(args.includes('B=b'));
    assert.ok(args.includes('HOME=/root'));
    assert.ok(!args.some(word => word.startsWith('TERM=')));
    assert.ok(attach({ interactive: true }).args.includes('TERM=xterm'));
    assert.ok(attach({ user: 5 }).args.includes('HOME=/'));
  });

  for (const [name, change] of [
    ['no command', { command: [] }],
    ['a zero byte', { command: ['a\0b'] }],
    ['a variable with = in its name', { environment: { 'A=B': 'c' } }],
    ['a variable without name', { environment: { '': 'c' } }],
  ] as const) {
    it(`refuses ${name}`, () => assert.throws(() => attach(change), /command|environment/));
  }
});

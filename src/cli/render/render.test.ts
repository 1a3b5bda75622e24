import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeIo } from '../testing/fake-server.ts';
import { ProgressLine, progressLine } from './progress.ts';
import { binarySize, dateTime, longDate } from './quantity.ts';
import { renderList, sortRows } from './table.ts';
import { groupUsers } from './used-by.ts';
import { renderYaml } from './yaml.ts';

const list = {
  headers: ['NAME', 'STATE', 'IPV4'],
  rows: [
    ['c1', 'RUNNING', '10.0.0.1 (eth0)\n10.0.0.2 (eth1)'],
    ['c,2', 'STOPPED', ''],
  ],
  raw: [{ name: 'c1' }],
};

test('a table is drawn as LXD draws it', async () => {
  assert.equal(
    await renderList(list, 'table'),
    [
      '+------+---------+-----------------+',
      '| NAME |  STATE  |      IPV4       |',
      '+------+---------+-----------------+',
      '| c1   | RUNNING | 10.0.0.1 (eth0) |',
      '|      |         | 10.0.0.2 (eth1) |',
      '+------+---------+-----------------+',
      '| c,2  | STOPPED |                 |',
      '+------+---------+-----------------+',
    ].join('\n'),
  );
});

test('compact is the table without its lines', async () => {
  const compact = await renderList(
    {
      headers: ['NAME', 'STATE'],
      rows: [
        ['c1', 'RUNNING'],
        ['c10', ''],
      ],
      raw: [],
    },
    'compact',
  );
  assert.equal(compact, ['  NAME   STATE   ', '  c1    RUNNING  ', '  c10            '].join('\n'));
});

test('an empty table is its headers', async () => {
  assert.equal(
    await renderList({ headers: ['ID', 'TYPE'], rows: [], raw: [] }, 'table'),
    '+----+------+\n| ID | TYPE |\n+----+------+',
  );
});

test('csv has no headers and quotes what needs it; json and yaml are what the server said', async () => {
  assert.equal(await renderList(list, 'csv'), 'c1,RUNNING,"10.0.0.1 (eth0)\n10.0.0.2 (eth1)"\n"c,2",STOPPED,');
  assert.equal(await renderList(list, 'json'), '[{"name":"c1"}]');
  assert.equal(await renderList(list, 'yaml'), '- name: c1');
});

test('yaml keeps texts that look like something else, and long lines', async () => {
  const long = 'x '.repeat(100);
  assert.equal(
    await renderYaml({ a: 'true', b: '12', c: ['x'], d: {}, e: long }),
    `a: "true"\nb: "12"\nc:\n- x\nd: {}\ne: "${long}"`,
  );
});

test('c2 comes before c10', () => {
  assert.deepEqual(
    sortRows([
      ['c10', ''],
      ['c2', 'b'],
      ['c2', 'a'],
    ]),
    [
      ['c2', 'a'],
      ['c2', 'b'],
      ['c10', ''],
    ],
  );
});

test('sizes and dates', () => {
  assert.deepEqual([0, 1023, 1024, 573440, 1409024, 5e12].map(binarySize), [
    '0B',
    '1023B',
    '1.00KiB',
    '560.00KiB',
    '1.34MiB',
    '4.55TiB',
  ]);
  assert.equal(dateTime('2026-11-23T15:02:05.380065252Z'), '2026/11/23 15:02 UTC');
  assert.equal(longDate('2026-11-23T00:02:05Z'), 'Nov 23, 2026 at 12:02am (UTC)');
  for (const never of ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00Z', '', undefined])
    assert.equal(dateTime(never), undefined);
});

test('progress is a bar where a percentage is known, else a spinner, and never wider than the terminal', () => {
  assert.equal(
    progressLine('Creating c1', 'Unpack: 50% (9MB/s)', 0, 80),
    '[==========          ] Creating c1: Unpack: 50% (9MB/s)',
  );
  assert.equal(progressLine('Creating c1', '', 1, 80), '⠙ Creating c1');
  assert.equal([...progressLine('x'.repeat(200), '', 0, 80)].length, 79);
});

test('the progress line leaves nothing behind', () => {
  const { io, err } = fakeIo({ terminal: true });
  const line = new ProgressLine(io.stderr, 'Working');
  line.update('10%');
  line.close();
  line.update('20%');
  line.close();
  assert.ok(err().endsWith('\r\x1b[K'));
  assert.doesNotMatch(err(), /20%/);
});

test('users of a thing are grouped by kind', () => {
  assert.deepEqual(groupUsers(['/1.0/instances/c1', '/1.0/instances/c2?project=p', '/1.0/profiles/a%2Fb']), {
    instances: ['c1', 'c2'],
    profiles: ['a/b'],
  });
});

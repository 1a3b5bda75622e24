import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMetadata } from './metadata.ts';

const parse = (yaml: string) => parseMetadata(`creation_date: 1700000000\n${yaml}`);

test('spells architectures as LXD does', () => {
  const spelled = {
    amd64: 'x86_64',
    x86_64: 'x86_64',
    ARM64: 'aarch64',
    armhf: 'armv7l',
    i386: 'i686',
    ppc64el: 'ppc64le',
  };
  for (const [name, ours] of Object.entries(spelled)) assert.equal(parse(`architecture: ${name}`).architecture, ours);
  assert.throws(() => parse('architecture: vax'), { code: 'invalid', message: /architecture: "vax" is unknown/ });
});

test('makes text of what YAML takes for something else, and leaves out triggers it does not know', () => {
  const metadata = parse(`architecture: amd64
expiry_date: 1800000000.9
properties: { release: 12, lts: true, date: 2024-01-01, empty: null }
templates:
  /etc/hosts: { when: [create, full-moon], template: hosts.tpl }
unknown: {}
`);
  assert.deepEqual(metadata.properties, { release: '12', lts: 'true', date: '2024-01-01', empty: '' });
  assert.equal(metadata.expiresAt, 1_800_000_000);
  assert.deepEqual(metadata.templates['/etc/hosts'], {
    when: ['create'],
    file: 'hosts.tpl',
    createOnly: false,
    properties: {},
  });
});

test('names the key that is wrong', () => {
  const says = (yaml: string, message: RegExp) =>
    assert.throws(() => parseMetadata(yaml), { code: 'invalid', message });
  says('architecture: amd64', /creation_date/);
  says('creation_date: 1', /architecture/);
  says('creation_date: -5\narchitecture: amd64', /creation_date/);
  says('creation_date: 1\narchitecture: amd64\ntemplates: { /x: { when: [create] } }', /templates\.\/x\.template/);
  says('- a list', /the document/);
  says('a: [', /is no YAML/);
});

test('does not unfold a YAML bomb', () => {
  const levels = Array.from(
    { length: 20 },
    (_, i) => `l${i}: &l${i} [${i === 0 ? 'x' : `*l${i - 1}, *l${i - 1}, *l${i - 1}`}]`,
  );
  assert.throws(() => parse(`architecture: amd64\n${levels.join('\n')}`), {
    code: 'invalid',
    message: /no YAML: .*alias/,
  });
});

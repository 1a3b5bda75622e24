import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { interpret, renderTemplate } from './interpret.ts';
import type { ValueMap } from './value.ts';

const config: Record<string, string> = { 'user.network_mode': 'dhcp', 'user.n': '3' };
const context: ValueMap = {
  container: { name: 'c1', type: 'container', privileged: 'false' },
  properties: { default: 'fallback', empty: '' },
  config,
  list: ['a', 'b'],
  yes: true,
  config_get: (key, fallback) => config[String(key)] ?? fallback,
};

const CASES: readonly (readonly [template: string, printed: string])[] = [
  ['{{ container.name }}', 'c1'],
  ['{{container.name}}\n', 'c1\n'],
  ['a {{- container.name -}} b', 'ac1b'],
  ['{{ config_get("user.network_mode", "") }}', 'dhcp'],
  ["{{ config_get('nope', properties.default) }}", 'fallback'],
  ['{% if config_get("user.network_mode", "") == "dhcp" %}D{% else %}S{% endif %}', 'D'],
  ['{% if container.name != "c1" %}1{% elif config_get("x", "") %}2{% else %}3{% endif %}', '3'],
  ['{%- if yes -%}\n  x\n{%- endif %}', 'x'],
  ['{% if not yes %}1{% endif %}{% if yes and list %}2{% endif %}{% if !yes || container %}3{% endif %}', '23'],
  [
    '{% if "a" in list %}1{% endif %}{% if "z" not in list %}2{% endif %}{% if "c" in container.name %}3{% endif %}',
    '123',
  ],
  ['{% if config.n == 3 %}{% endif %}{% if 2 < 3 %}lt{% endif %}{% if 10 >= 9 %}ge{% endif %}', 'ltge'],
  ['{% for k, v in config %}{{ k }}={{ v }};{% endfor %}', 'user.n=3;user.network_mode=dhcp;'],
  ['{% for x in list %}{{ x }}{% endfor %}{% for x in nope %}{{ x }}{% empty %}none{% endfor %}', 'abnone'],
  ['{{ properties.empty|default:"d"|upper }}{{ " x "|trim }}{{ "ABC"|lower }}', 'Dxabc'],
  ['{# {{ no #}{% comment %}{{ no }}{% endcomment %}y', 'y'],
  ['{{ "}}" }}{{ "say \\"hi\\"" }}', '}}say "hi"'],
  ['{{ list.1 }}{{ list.9 }}{{ nope.nope.nope }}', 'b'],
  ['{{ yes }}{{ 1.5 }}{{ config }}{{ config_get }}', 'True1.5'],
  ['{ single } {x} }}', '{ single } {x} }}'],
];

for (const [template, printed] of CASES) {
  test(`prints ${JSON.stringify(printed)} for ${template}`, () => assert.equal(interpret(template, context), printed));
}

const WRONG: readonly (readonly [template: string, says: RegExp])[] = [
  ['\n{{ container.name', /line 2: "}}" is missing/],
  ['{% if yes %}x', /\{% endif %\} is missing/],
  ['{% import "x" %}', /unknown tag "import"/],
  ['{{ x|safe|shell }}', /unknown filter "shell"/],
  ['{{ a b }}', /"b" is not understood here/],
  ['{{ $x }}', /"\$" is not understood/],
  ['{% else %}', /unknown tag "else"/],
  [`{{ ${'('.repeat(100)}1${')'.repeat(100)} }}`, /nested deeper/],
  ['{% if 1 %}'.repeat(60) + '{% endif %}'.repeat(60), /nested deeper/],
];
for (const [template, says] of WRONG) {
  test(`refuses ${template.slice(0, 40)}`, () => {
    assert.throws(() => renderTemplate('t', template, context), { code: 'invalid', message: says });
  });
}

test('reaches nothing of the language below', () => {
  for (const path of ['constructor', '__proto__', 'toString', 'hasOwnProperty', 'prototype', 'call', 'length']) {
    for (const start of ['config_get', 'container', 'list', 'container.name', 'nope']) {
      assert.equal(interpret(`{{ ${start}.${path} }}`, context), '');
      assert.equal(interpret(`{{ ${start}.${path}("return process") }}`, context), '');
      assert.equal(interpret(`{{ ${start}.${path}.${path}("return 1")() }}`, context), '');
    }
    assert.equal(interpret(`{{ ${path} }}{% if "${path}" in container %}in{% endif %}`, context), '');
  }
});

test('ends, whatever loops it has', () => {
  const many: ValueMap = { many: Array.from({ length: 1000 }, () => 'x') };
  const nested = '{% for a in many %}{% for b in many %}{% for c in many %}{{ c }}{% endfor %}{% endfor %}{% endfor %}';
  assert.throws(() => interpret(nested, many), { code: 'invalid', message: /too much/ });
  const long: ValueMap = { text: 'x'.repeat(10_000), many: many.many };
  assert.throws(() => interpret('{% for a in many %}{{ text }}{% endfor %}', long), { message: /more than 1 MiB/ });
});

test('any text is either rendered or refused, in no time', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    '-',
    ' if ',
    ' for ',
    ' in ',
    'endif',
    'endfor',
    'else',
    'container.name',
    '"',
    "'",
    '\\',
    '(',
    ')',
    '|',
    ':',
    'default',
    '==',
    'x',
    '\n',
    '1',
    ',',
  );
  const template = fc
    .array(fc.oneof(piece, fc.string({ maxLength: 3 })), { maxLength: 40 })
    .map(parts => parts.join(''));
  fc.assert(
    fc.property(template, text => {
      try {
        interpret(text, context);
      } catch (error) {
        assert.equal((error as { code?: string }).code, 'invalid', String(error));
      }
    }),
    { numRuns: 3000 },
  );
});

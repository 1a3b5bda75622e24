import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFilter } from './filter.ts';

const object = {
  name: 'web-1',
  status: 'Running',
  ephemeral: false,
  config: { 'user.role': 'front', 'limits.cpu': '2' },
  state: { processes: 12 },
};

describe('a filter', () => {
  for (const [text, takes] of [
    ['', true],
    ['   ', true],
    ['name eq web-1', true],
    ['name eq WEB-1', true],
    ['name eq web', false], // anchored
    ['name eq web.*', true],
    ['name eq ^web', true], // anchored by hand: only where it says so
    ['name eq "web-1"', true],
    ['name ne web-1', false],
    ['not name eq web-1', false],
    ['not name ne web-1', true],
    ['status eq running and name eq web-1', true],
    ['status eq stopped and name eq web-1', false],
    ['status eq stopped or name eq web-1', true],
    ['name eq web-1 or name eq x and status eq stopped', false], // left to right, no precedence
    ['ephemeral eq false', true],
    ['state.processes eq 12', true],
    ['config.user.role eq front', true],
    ['config.user.none eq front', false],
    ['config.user.none ne front', true],
    ['name eq "[unclosed"', false], // no regular expression: taken literally
    ['name eq "a b"', false],
  ] as const) {
    it(`${takes ? 'takes' : 'leaves'} it: ${text || '(empty)'}`, () => assert.equal(parseFilter(text)(object), takes));
  }

  for (const [text, why] of [
    ['name', /clause/],
    ['name eq', /clause/],
    ['name like web', /operator "like"/],
    ['name eq web status eq running', /"and" or "or"/],
    ['name eq web and', /clause/],
  ] as const) {
    it(`that makes no sense is refused: ${text}`, () => assert.throws(() => parseFilter(text), why));
  }
});

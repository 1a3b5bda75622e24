/** What is written of an instance, by what its host said: a table of cases. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { InstanceRecord, StatusRecord } from '../../domain/instance.ts';
import { type NodeReport, nextStatus, type Report } from './next-status.ts';

const record = { id: 'i', node: 'n1', generation: 2 } as InstanceRecord;
const before: StatusRecord = {
  id: 'i',
  node: 'n1',
  generation: 2,
  state: 'running',
  pid: 7,
  detail: '',
  since: 1,
};
const line: Report = { generation: 2, state: 'running', pid: 7, detail: '', since: 1 };
const said = (lines: Readonly<Record<string, Report>>, more: Partial<NodeReport> = {}): NodeReport => ({
  online: true,
  complete: true,
  instances: new Map(Object.entries(lines)),
  ...more,
});
const state = (...args: Parameters<typeof nextStatus>) => nextStatus(...args)?.state;

describe('the status of an instance', () => {
  it('is what its host says', () => {
    assert.deepEqual(nextStatus(record, said({ i: line }), undefined, 9), before);
    assert.equal(state(record, said({ i: { ...line, state: 'frozen' } }), before, 9), 'frozen');
    assert.equal(state(record, said({ i: { ...line, state: 'odd' } }), before, 9), 'error');
  });

  it('is not what a host says of another generation: that is a move under way or a leftover', () => {
    assert.equal(nextStatus(record, said({ i: { ...line, generation: 3 } }, { complete: false }), before, 9), before);
    assert.equal(nextStatus(record, said({ i: { ...line, generation: 1 } }), undefined, 9), undefined);
  });

  it('is unknown while its host is away, and since when does not change', () => {
    const away = said({ i: line }, { online: false });
    const unknown = nextStatus(record, away, before, 9)!;
    assert.deepEqual([unknown.state, unknown.since], ['unknown', 9]);
    assert.equal(nextStatus(record, away, unknown, 99), unknown);
  });

  it('is an error when its host had it and has it no more, and nothing when it never had it', () => {
    assert.equal(state(record, said({}), before, 9), 'error');
    assert.equal(state(record, said({}), undefined, 9), undefined);
    assert.equal(state(record, said({}, { complete: false }), before, 9), 'running');
    const elsewhere = { ...before, node: 'n2', generation: 1 };
    assert.equal(nextStatus(record, said({}), elsewhere, 9), elsewhere); // just moved here
  });

  it('is none without an instance, or before it has a host', () => {
    assert.equal(nextStatus(undefined, said({ i: line }), before, 9), undefined);
    assert.equal(nextStatus({ ...record, node: '' }, undefined, before, 9), undefined);
  });
});

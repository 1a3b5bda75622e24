/**
 * New config, devices, profiles. Written first, so that new cards have their addresses and nobody else gets the room; then
 * applied on the host; and written back as it was when the host refuses. What is given up is freed only at the end.
 */
import type { InstanceRecord } from '../../domain/instance.ts';
import { together } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import { commitInTurn } from '../decide.ts';
import { greatest, reallocate } from '../instances/allocations.ts';
import { expanded, specOf } from '../instances/expanded.ts';
import { type InstanceKey, needInstance } from '../instances/instance-store.ts';
import { addressesOf, planNics } from '../instances/nics.ts';
import { mustFitInPlace, requestsOn } from '../placing.ts';
import { type Json, saga } from '../saga/saga.ts';
import type { StepContext } from '../saga/step-context.ts';
import { ADDRESSES, INSTANCES } from '../spaces.ts';
import { bringVolumes } from '../volumes/use.ts';

/** What users may change. */
export type Writable = {
  readonly description: string;
  readonly architecture: string;
  readonly config: Readonly<Record<string, string>>;
  readonly devices: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly profiles: readonly string[];
  readonly ephemeral: boolean;
};

/** Without `next` the record stays, and its profiles changed. */
export type UpdateInput = InstanceKey & { readonly next?: Writable };

interface Given {
  readonly input: UpdateInput;
}

interface Read extends Given {
  /** The record as it was. */
  readonly read: Json;
}

export const updateInstance = saga<UpdateInput>('update-instance', 1)
  .harmless('read', read)
  .undoable('write', write, writeBack)
  .undoable('apply', apply, applyOld)
  .pivot('settle', settle)
  .end();

/** For sagas of which this is a part. */
export const updating = { read, write, writeBack, apply, applyOld, settle };

async function read({ view }: StepContext, { input }: Given): Promise<Json> {
  return needInstance(view, input).value as unknown as Json;
}

async function write(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  await commitInTurn(context, () => {
    const stored = needInstance(view, input);
    const old = stored.value;
    const wished: InstanceRecord = {
      ...old,
      ...input.next,
      config: { ...volatile(old), ...(input.next ?? old).config },
    };
    const whole = expanded(view, wished);
    const nics = planNics(view, old.id, wished.config, whole.devices);
    const asked = requestsOn(view, old.node, whole);
    mustFitInPlace(view, old.node, old.pool, old.requests, asked);
    const requests = greatest(old.requests, asked);
    const next: InstanceRecord = { ...wished, config: nics.config, requests };
    const missing = nics.addresses.filter(({ key }) => view.get(key) === undefined);
    if (same(next, old) && missing.length === 0) return undefined;
    return together(INSTANCES.replace(stored, next), reallocate(view, old.node, old.requests, requests), {
      guards: missing.map(({ key }) => ({ key, exists: false })),
      writes: missing.map(({ key, record }) => ADDRESSES.put(key, record)),
    });
  });
}

async function writeBack(context: StepContext, { input, read }: Read): Promise<void> {
  const old = read as unknown as InstanceRecord;
  await commitInTurn(context, () => {
    const stored = needInstance(context.view, input);
    if (same(stored.value, old)) return undefined;
    return together(
      INSTANCES.replace(stored, old),
      reallocate(context.view, old.node, stored.value.requests, old.requests),
      freed(context, stored.value.id, old.config),
    );
  });
}

async function apply(context: StepContext, { input, read }: Read): Promise<void> {
  const { view } = context;
  const { value } = needInstance(view, input);
  const old = read as unknown as InstanceRecord;
  await bringVolumes(context, { ...value, ...expanded(view, value) });
  const unchanged = input.next !== undefined && same(specOf(view, old), specOf(view, value));
  if (!unchanged) await context.agents.of(value.node).ensureConfig({ spec: specOf(view, value) });
}

async function applyOld(context: StepContext, { read }: Read): Promise<void> {
  const old = read as unknown as InstanceRecord;
  await context.agents.of(old.node).ensureConfig({ spec: specOf(context.view, old) });
}

async function settle(context: StepContext, { input }: Given): Promise<void> {
  const { view } = context;
  await commitInTurn(context, () => {
    const stored = needInstance(view, input);
    const { value } = stored;
    const requests = requestsOn(view, value.node, expanded(view, value));
    const unused = freed(context, value.id, value.config);
    if (same(requests, value.requests) && unused.writes.length === 0) return undefined;
    return together(
      INSTANCES.replace(stored, { ...value, requests }),
      reallocate(view, value.node, value.requests, requests),
      unused,
    );
  });
}

/** The addresses that the instance holds and `config` does not name. */
function freed({ view }: StepContext, id: string, config: InstanceRecord['config']): Transaction {
  const named = new Set(addressesOf(config));
  const unused = view.list(ADDRESSES).filter(({ value }) => value.instance === id && !named.has(value.address));
  return { guards: [], writes: unused.map(({ key }) => ({ delete: key })) };
}

/** What the cluster keeps with the instance, and clients do not always send back. */
function volatile({ config }: InstanceRecord): InstanceRecord['config'] {
  return Object.fromEntries(Object.entries(config).filter(([key]) => key.startsWith('volatile.')));
}

/** As data: in the order of their keys. */
function same(a: unknown, b: unknown): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => {
    if (typeof each === 'bigint') return String(each);
    if (typeof each !== 'object' || each === null || Array.isArray(each)) return each;
    return Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

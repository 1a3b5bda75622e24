/** Rules that reviews would otherwise repeat. Each message says why, so that a failure teaches. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = resolve(import.meta.dirname, '..');
const SRC = join(ROOT, 'src');

/** What each folder of src may import from, besides itself. Arrows point one way. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  kit: [],
  domain: ['kit'],
  scheduler: ['kit', 'domain'],
  store: ['kit', 'domain'],
  rpc: ['kit', 'domain'],
  agent: ['kit', 'domain', 'rpc'],
  controller: ['kit', 'domain', 'rpc', 'store', 'scheduler'],
  cli: ['kit', 'domain'],
};

interface OnlyRule {
  readonly what: RegExp;
  readonly where: RegExp;
  readonly why: string;
}

const ONLY: readonly OnlyRule[] = [
  {
    what: /from 'node:child_process'/,
    where: /^(agent\/command\.ts|cli\/)/,
    why: 'processes are started by agent/command.ts alone: with deadlines, output limits and never through a shell',
  },
  {
    what: /from 'etcd3'/,
    where: /^store\/etcd-/,
    why: 'only the etcd store knows etcd: everything else speaks the store port',
  },
  {
    what: /\bMath\.random\(|\bDate\.now\(|new Date\(\)/,
    where: /^(kit|rpc|agent|cli|controller\/(?!sagas|saga\/|reconcilers)|store\/etcd-)/,
    why: 'domain, scheduler, sagas and reconcilers are pure or run on virtual time: take the clock and seeds as arguments',
  },
  {
    what: /\bprocess\.exit\(/,
    where: /(^|\/)main\.ts$|^cli\//,
    why: 'only a main ends the process: everything else throws, so that what is open gets closed',
  },
];

/** Which files of the controller may write which key space: the table in `controller/spaces.ts`, as file names. */
const WRITERS: Readonly<Record<string, RegExp>> = {
  INSTANCES: /^(commands|sagas|instances)\/|^reconcilers\/settle\.ts$|^lxd\/profiles\.ts$/,
  INSTANCE_METADATA: /^instances\/(metadata|instance-store)\.ts$/,
  SNAPSHOTS: /^(commands|sagas|instances)\//,
  VOLUMES: /^(commands\/|sagas\/)?volumes\//,
  VOLUME_SNAPSHOTS: /^(commands|sagas)\/volumes\//,
  ADDRESSES: /^(sagas|instances)\//,
  ALLOCATIONS: /^instances\/allocations\.ts$/,
  STATUS: /^observe\//,
  NODE_STATUS: /^observe\//,
  CLUSTER_GROUPS: /^lxd\/cluster-groups\.ts$/,
  NODES: /^lxd\/cluster(-groups)?\.ts$|^sagas\/(set-admission|remove-node)\.ts$|^trust\/join\.ts$/,
  SAGAS: /^saga\//,
  WARNINGS: /^reconcilers\/warnings\.ts$|^lxd\/warnings\.ts$/,
  LOCKS: /^saga\//,
  IMAGES: /^lxd\/images\/|^sagas\/[a-z-]+-image\.ts$|^instances\/image-on-node\.ts$/,
  IMAGE_ALIASES: /^lxd\/images\/|^sagas\/[a-z-]+-image\.ts$/,
  PROFILES: /^lxd\/profiles\.ts$|^lxd\/projects\/|^sagas\/rename-project\.ts$/,
  PROJECTS: /^lxd\/projects\/|^sagas\/rename-project\.ts$/,
  PROJECT_CLAIMS: /^projects\/claim\.ts$/,
  NETWORKS: /^lxd\/networks\//,
  PENDING_NETWORKS: /^lxd\/networks\//,
  NETWORK_FORWARDS: /^lxd\/networks\//,
  POOLS: /^lxd\/storage-pools\.ts$/,
  SERVER: /^lxd\/server-config\.ts$/,
  CERTIFICATES: /^(trust|lxd)\/certificates\.ts$/,
  TOKENS: /^trust\//,
  SECRETS: /^trust\//,
  SESSIONS: /^sessions\//,
  CONTROLLERS: /^presence\.ts$/,
  LEADER: /^presence\.ts$/,
};

const MAX_LINES = 320;

const files = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.ts') && !file.startsWith('rpc/gen/'))
  .sort();
const isTest = (file: string) => /\.(test|contract)\.ts$|(^|\/)test-[a-z-]+\.ts$|\/testing\//.test(file);

describe('house rules', () => {
  it('imports point one way', () => {
    const wrong = files.flatMap(file => {
      const layer = file.split('/')[0]!;
      return importsOf(file)
        .filter(target => target !== layer && !LAYERS[layer]?.includes(target))
        .map(
          target => `${file} imports ${target}; ${layer} may import only: ${LAYERS[layer]?.join(', ') || 'nothing'}`,
        );
    });
    assert.deepEqual(wrong, []);
  });

  for (const rule of ONLY) {
    it(rule.why, () => {
      const wrong = files.filter(file => !isTest(file) && !rule.where.test(file) && rule.what.test(read(file)));
      assert.deepEqual(wrong, []);
    });
  }

  it('every stored key has one writer: a record that wants a second one is two records', () => {
    const wrong = files
      .filter(file => file.startsWith('controller/') && !isTest(file))
      .flatMap(file =>
        [...read(file).matchAll(/\b([A-Z_]+)\.(?:put|create|replace|remove|delete)\(/g)]
          .filter(
            ([, space]) => WRITERS[space!] !== undefined && !WRITERS[space!]!.test(file.slice('controller/'.length)),
          )
          .map(([, space]) => `${file} writes ${space}`),
      );
    assert.deepEqual(wrong, []);
  });

  it('a file is one idea: one over the limit has a second idea in it', () => {
    const wrong = files
      .filter(file => !isTest(file))
      .map(file => ({ file, lines: read(file).split('\n').length }))
      .filter(({ lines }) => lines > MAX_LINES);
    assert.deepEqual(wrong, []);
  });

  it('names no machine of ours and no registry', () => {
    const wrong = files.filter(file => /\/work\/|registry\.npmjs|deb\.debian\.org/.test(read(file)));
    assert.deepEqual(wrong, []);
  });
});

function read(file: string): string {
  return readFileSync(join(SRC, file), 'utf8');
}

/** The folders of src that a file imports from. */
function importsOf(file: string): string[] {
  return [...read(file).matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].flatMap(([, path]) => {
    const target = relative(SRC, resolve(SRC, dirname(file), path!));
    return target.startsWith('..') ? [`(outside of src) ${target}`] : [target.split('/')[0]!];
  });
}

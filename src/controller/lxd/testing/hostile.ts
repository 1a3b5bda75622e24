/** Requests that no honest client sends, from a seed: the same seed gives the same requests. Pure. */
import type { Route } from '../../http/route.ts';

export interface HostileRequest {
  /** What it is aimed at. */
  readonly route: Route;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

export interface Dice {
  /** A whole number from 0 to `below` - 1. */
  roll(below: number): number;
  of<T>(list: readonly T[]): T;
}

export function openDice(seed: number): Dice {
  let state = seed >>> 0;
  // A linear congruential generator (Numerical Recipes' constants); its high bits are good enough to choose by.
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const roll = (below: number) => Math.floor(next() * below);
  return { roll, of: list => list[roll(list.length)]! };
}

const METHODS = words('GET PUT POST PATCH DELETE HEAD OPTIONS PROPFIND');
/** What is there when the run begins, so that requests get past the first "not found". */
const KNOWN = [...words('c1 c2 default p1 pool1 net1 n1 n2 g1 custom web s1'), 'f'.repeat(64)];
const LONG = 'x'.repeat(10_000);
const SEGMENTS = [
  ...words(
    '.. . %2e%2e ..%2F..%2Fetc%2Fpasswd a%2Fb %00 a%00b % %zz %ff%fe %20 %0a - * __proto__ constructor toString',
  ),
  ...words('%24%7B7*7%7D %27%3B-- C1 c1%2Fs1 %F0%9F%9A%A2 0 -1'),
  LONG,
];
const TEXTS = [
  ...words('.. ../../etc/passwd / /etc/passwd a/b `id` $(id) {{7*7}} __proto__ constructor 0 -1 1e999 NaN true null'),
  ...words(
    '2026-13-45 0001-01-01T00:00:00Z 10GiB 99999999999999999999 none migration copy image container start stop client dir',
  ),
  ...['', ' ', '\0', 'a\0b', '\n', '\ud800', '💥', LONG],
];
const FIELDS = [
  ...words(
    'name config devices description profiles source type architecture ephemeral stateful action force timeout state',
  ),
  ...words(
    'alias target fingerprint mode pool project migration live restore command environment width height interactive',
  ),
  ...words('record-output user server_name certificate password token projects restricted groups members roles driver'),
  ...words('properties public expires_at aliases instance_only volume_only content_type status ports listen_address'),
  ...words('__proto__ constructor secret'),
];
const KEYS = [
  ...words('limits.memory limits.cpu user.x boot.autostart ipv4.address size source raw.lxc __proto__ x'),
  '',
];
const QUERY = words('project target recursion filter all-projects path timeout secret type force public');

export function hostileRequest(dice: Dice, routes: readonly Route[]): HostileRequest {
  const route = dice.of(routes);
  const method = dice.roll(5) === 0 ? dice.of(METHODS) : route.method;
  let path = route.path.replace(/:[^/]+/g, () => segment(dice));
  if (dice.roll(20) === 0) path += `/${segment(dice)}`;
  if (dice.roll(40) === 0) path = path.replace('/', '//');
  return { route, method, path: `${path}${query(dice, path)}`, headers: headers(dice), body: bodyOf(dice, method) };
}

const segment = (dice: Dice) => (dice.roll(3) === 0 ? dice.of(SEGMENTS) : dice.of(KNOWN));
const text = (dice: Dice): string => (dice.roll(3) === 0 ? dice.of(TEXTS) : dice.of(KNOWN));

function query(dice: Dice, path: string): string {
  const pairs = Array.from({ length: dice.roll(3) }, () => `${dice.of(QUERY)}=${encode(text(dice))}`);
  // A wait without an end is no hang.
  const wait = path.includes('/wait') ? ['timeout=0'] : [];
  const all = [...wait, ...pairs, ...(dice.roll(20) === 0 ? ['%zz', '=', '&&'] : [])];
  return all.length === 0 ? '' : `?${all.join('&')}`;
}

/** Lone surrogates cannot be encoded: they go as what they would be in UTF-8, which is none. */
const encode = (value: string) => (value.isWellFormed() ? encodeURIComponent(value) : '%ED%A0%80');

function headers(dice: Dice): Record<string, string> {
  const made: Record<string, string> = {};
  const type = dice.of([
    undefined,
    'application/json',
    'application/octet-stream',
    'text/plain',
    'multipart/form-data',
    'x',
    '/;',
  ]);
  if (type !== undefined) made['content-type'] = type;
  if (dice.roll(6) === 0) made['if-match'] = dice.of(['"x"', '*', '', 'W/"1"', LONG.slice(0, 2000)]);
  if (dice.roll(10) === 0) made['x-lxd-name'] = dice.of(['..', 'a/b', 'c1', LONG.slice(0, 2000)]);
  if (dice.roll(10) === 0) made['x-lxd-properties'] = dice.of(['%', 'a=b', '%zz=%zz']);
  if (dice.roll(10) === 0) made['x-lxd-mode'] = dice.of(['0999', '-1', '0644', 'x']);
  return made;
}

function bodyOf(dice: Dice, method: string): string | Buffer | undefined {
  if (method === 'GET' || method === 'HEAD') return dice.roll(5) === 0 ? 'null' : undefined;
  switch (dice.roll(12)) {
    case 0:
      return dice.of(['', 'null', '""', '[]', '1', 'true', '{', '{"a":', '[[[[', '\ufeff{}', 'name=x']);
    case 1:
      return Buffer.from(Array.from({ length: 64 }, () => dice.roll(256)));
    case 2:
      return `${'['.repeat(20_000)}`;
    default:
      return JSON.stringify(object(dice, 0)).replaceAll('"__proto__ "', '"__proto__"');
  }
}

function object(dice: Dice, depth: number): unknown {
  const entries = Array.from({ length: 1 + dice.roll(6) }, () => {
    const field = depth > 0 && dice.roll(2) === 0 ? dice.of(KEYS) : dice.of(FIELDS);
    return [field === '__proto__' ? '__proto__ ' : field, value(dice, depth + 1)] as const;
  });
  return Object.fromEntries(entries);
}

function value(dice: Dice, depth: number): unknown {
  switch (dice.roll(depth > 3 ? 5 : 8)) {
    case 0:
      return dice.of([0, -1, 1.5, 1e308, 2 ** 53, 30]);
    case 1:
      return dice.of([true, false, null]);
    case 5:
      return Array.from({ length: dice.roll(4) }, () => value(dice, depth + 1));
    case 6:
    case 7:
      return object(dice, depth);
    default:
      return text(dice);
  }
}

function words(text: string): readonly string[] {
  return text.split(' ');
}

/**
 * Who may do what: every route of the API is asked by every kind of caller. The rules stand here once more, by themselves,
 * so that a route without one, or with another one than was decided, fails.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Identity, makeSelfSigned } from '../../kit/certificates.ts';
import type { Route } from '../http/route.ts';
import type { Lxd } from './context.ts';
import { lxdApi } from './routes.ts';
import { openTestApi, type TestApi } from './testing/test-api.ts';

/**
 * open: told to everybody. public: strangers see what is public, clients what is in their projects. secret: whoever has one
 * (a stranger without is refused by the handler). metrics: certificates of that type too. project: who may enter the
 * project. client: any client may read it. admin: who is not restricted.
 */
type Who = 'open' | 'public' | 'secret' | 'metrics' | 'project' | 'client' | 'admin';
type Rule = readonly [path: RegExp, ...who: readonly (readonly [methods: string, who: Who])[]];

const ANY = 'GET HEAD POST PUT PATCH DELETE';
const WRITE = 'POST PUT PATCH DELETE';

/** The first that fits the path and names the method. */
const RULES: readonly Rule[] = [
  [/^\/$/, ['GET', 'open']],
  [/^(\/1\.0)?\/metrics$/, ['GET', 'metrics']],
  [/^\/streams\//, ['GET', 'open']],
  [/^\/1\.0$/, ['GET', 'open'], ['PUT PATCH', 'admin']],
  [/^\/1\.0\/certificates$/, ['GET', 'client'], ['POST', 'secret']],
  [/^\/1\.0\/certificates\/:/, ['GET', 'client'], ['PUT PATCH DELETE', 'admin']],
  [/^\/1\.0\/(events|operations)$/, ['GET', 'project']],
  [/^\/1\.0\/operations\/:id\/websocket$/, ['GET', 'open']], // its secret authorises
  [/^\/1\.0\/operations\/:id(\/wait)?$/, ['GET DELETE', 'client']], // of its projects, whatever is named
  [/^\/1\.0\/(instances|containers|virtual-machines)(\/|$)/, [ANY, 'project']],
  [/^\/1\.0\/images$/, ['GET', 'public'], ['POST', 'project']],
  [/^\/1\.0\/images\/aliases$/, ['GET POST', 'project']],
  [/^\/1\.0\/images\/(aliases\/:name|:fingerprint|:fingerprint\/export)$/, ['GET', 'public']],
  [/^\/1\.0\/images\//, [WRITE, 'project']],
  [/^\/1\.0\/profiles(\/|$)/, [ANY, 'project']],
  [/^\/1\.0\/storage-pools\/:name\/volumes(\/|$)/, [ANY, 'project']],
  [/^\/1\.0\/cluster\/join$/, ['POST', 'secret']],
  [/^\/1\.0\/(networks|storage-pools|cluster|projects)(\/|$)/, ['GET', 'client'], [WRITE, 'admin']],
  [/^\/1\.0\/resources$/, ['GET', 'client']],
  [/^\/1\.0\/warnings(\/|$)/, [ANY, 'admin']],
];

const CALLERS = ['stranger', 'metrics', 'in its project', 'in another project', 'admin', 'local'] as const;
type Caller = (typeof CALLERS)[number];

/** Who is refused; everybody else gets another answer than 403. */
const REFUSED: Readonly<Record<Who, readonly Caller[]>> = {
  open: [],
  public: ['metrics', 'in another project'],
  secret: ['stranger', 'metrics', 'in its project', 'in another project'],
  metrics: ['stranger'],
  project: ['stranger', 'metrics', 'in another project'],
  client: ['stranger', 'metrics'],
  admin: ['stranger', 'metrics', 'in its project', 'in another project'],
};
/** The handler decides, by the secret or by what is public: here both answers are right. */
const EITHER: readonly (readonly [Who, Caller])[] = [
  ...CALLERS.map(caller => ['secret', caller] as const),
  ['public', 'metrics'],
];

describe('every route, asked by every kind of caller', async () => {
  const { routes } = lxdApi({ secrets: { server: await makeSelfSigned('routes') } } as Lxd);
  let api: TestApi;
  let callers: Readonly<Record<Caller, Identity | 'stranger' | undefined>>;
  before(async () => {
    api = await openTestApi();
    const post = (path: string, body: unknown) => api.front.send('POST', path, { body });
    await post('/1.0/projects', { name: 'p1' });
    const known = async (more: object): Promise<Identity> => {
      const client = await api.client();
      const sent = { name: 'x', type: 'client', certificate: client.cert, ...more };
      assert.equal((await post('/1.0/certificates', sent)).status, 201);
      return client;
    };
    const restricted = await known({ restricted: true, projects: ['p1'] });
    callers = {
      stranger: await api.client(),
      metrics: await known({ type: 'metrics' }),
      'in its project': restricted,
      'in another project': restricted,
      admin: await known({}),
      local: undefined,
    };
  });
  after(() => api.close());

  it('every route has a rule', () => {
    const without = routes.filter(route => ruleOf(route) === undefined).map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(without, [], 'say in RULES who may use it');
  });

  for (const caller of CALLERS) {
    it(`${caller}`, async () => {
      const wrong: string[] = [];
      for (const route of routes) {
        const who = ruleOf(route) ?? 'admin';
        const path = route.path.replace(/:[^/]+/g, 'nothing') + (caller === 'in its project' ? '?project=p1' : '');
        const body = ['GET', 'HEAD'].includes(route.method) ? {} : { body: {} };
        const { status } = await api.front.send(route.method, path, body, callers[caller]);
        const either = EITHER.some(([one, other]) => one === who && other === caller);
        if (!either && (status === 403) !== REFUSED[who].includes(caller))
          wrong.push(`${route.method} ${path}: ${status}, but it is ${who}`);
      }
      assert.deepEqual(wrong, []);
    });
  }

  it('a certificate that is trusted no more is a stranger', async () => {
    const client = await api.client();
    const sent = { name: 'gone', type: 'client', certificate: client.cert };
    const { headers } = await api.front.send('POST', '/1.0/certificates', { body: sent });
    assert.equal((await api.front.send('GET', '/1.0/instances', {}, client)).status, 200);
    await api.front.send('DELETE', headers.location!);
    assert.equal((await api.front.send('GET', '/1.0/instances', {}, client)).status, 403);
  });
});

function ruleOf({ method, path }: Route): Who | undefined {
  const rows = RULES.filter(([pattern]) => pattern.test(path)).flatMap(([, ...who]) => who);
  return rows.find(([methods]) => methods.split(' ').includes(method))?.[1];
}

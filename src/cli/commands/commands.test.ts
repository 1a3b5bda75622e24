import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ANSWERED, operation, refusal, started, startFakeServer } from '../testing/fake-server.ts';

const DONE = { status: 'Success', status_code: 200 };
const calls = (server: { readonly seen: readonly { readonly method: string; readonly path: string }[] }) =>
  server.seen.map(({ method, path }) => `${method} ${path}`);

test('launch asks for the alias, creates, waits, starts', async () => {
  await using server = await startFakeServer({
    'GET /1.0/images/aliases/debian%2F12': { target: 'f00' },
    'POST /1.0/instances': started(),
    'GET /1.0/operations/op1/wait': operation({ ...DONE, resources: { instances: ['/1.0/instances/c1'] } }),
    'PUT /1.0/instances/c1/state': started(DONE),
  });
  const { code, out, err } = await server.run(['launch', 'debian/12', 'c1', '--target', 'n2']);
  assert.deepEqual([code, out, err], [0, 'Creating c1\nStarting c1\n', '']);
  assert.deepEqual(calls(server), [
    'GET /1.0/images/aliases/debian%2F12',
    'POST /1.0/instances?target=n2',
    'GET /1.0/operations/op1/wait?timeout=30',
    'PUT /1.0/instances/c1/state',
  ]);
  assert.deepEqual(server.seen[1]?.body, {
    name: 'c1',
    type: 'container',
    instance_type: '',
    source: { type: 'image', fingerprint: 'f00' },
    config: {},
    devices: {},
    description: '',
    ephemeral: false,
    stateful: false,
    profiles: null,
  });
});

test('an instance without a name gets one from the server', async () => {
  await using server = await startFakeServer({
    'POST /1.0/instances': started({ ...DONE, resources: { instances: ['/1.0/instances/brave-fox'] } }),
  });
  const { out } = await server.run(['init', 'images:debian/12']);
  assert.equal(out, 'Creating the instance\nInstance name is: brave-fox\n');
  assert.deepEqual((server.seen[0]!.body as { source: object }).source, {
    type: 'image',
    mode: 'pull',
    protocol: 'simplestreams',
    server: 'https://images.linuxcontainers.org',
    alias: 'debian/12',
    certificate: '',
  });
});

test('a dry run is only sent to a server that knows it, and tells the reasons', async () => {
  await using plain = await startFakeServer({ 'GET /1.0': { api_extensions: [], environment: { server: 'lxd' } } });
  const refused = await plain.run(['launch', 'abc', 'c1', '--dry-run']);
  assert.equal(refused.code, 1);
  assert.ok(calls(plain).every(call => call.startsWith('GET')));
  await using ours = await startFakeServer({
    'GET /1.0': { api_extensions: ['berth_dry_run'] },
    'POST /1.0/instances': {
      node: '',
      at: '',
      summary: '0 of 1 hosts: 1 cordoned',
      reasons: [{ node: 'n1', verdict: 'rejected', because: ['cordoned'] }],
    },
  });
  const told = await ours.run(['launch', 'abc', 'c1', '--dry-run']);
  assert.match(told.out, /^0 of 1 hosts: 1 cordoned\n/);
  assert.equal(calls(ours).at(-1), 'POST /1.0/instances?dry-run=true');
});

test('start lets a frozen instance run on', async () => {
  await using server = await startFakeServer({
    'GET /1.0/instances/c1': { status_code: 110, stateful: false },
    'PUT /1.0/instances/c1/state': started(DONE),
  });
  assert.equal((await server.run(['start', 'c1'])).code, 0);
  assert.equal((server.seen[1]!.body as { action: string }).action, 'unfreeze');
});

test('of many instances one that fails does not keep the others', async () => {
  await using server = await startFakeServer({
    'PUT /1.0/instances/a/state': started(DONE),
    'PUT /1.0/instances/b/state': refusal(404, 'Instance not found'),
    'PUT /1.0/instances/c/state': started(DONE),
  });
  const { code, err } = await server.run(['stop', 'a', 'b', 'c', '--timeout', '5']);
  assert.deepEqual([code, err], [1, 'b: error: Instance not found\nError: Some instances failed to stop\n']);
  assert.equal(server.seen.length, 3);
  assert.deepEqual(server.seen[0]?.body, { action: 'stop', timeout: 5, force: false, stateful: false });
});

test('a running instance is only deleted with --force, and an ephemeral one goes with its stop', async () => {
  await using server = await startFakeServer({
    'GET /1.0/instances/c1': { status_code: 103, ephemeral: true },
    'PUT /1.0/instances/c1/state': started(DONE),
  });
  assert.match((await server.run(['delete', 'c1'])).err, /currently running/);
  assert.equal((await server.run(['delete', '-f', 'c1'])).code, 0);
  assert.deepEqual(calls(server).slice(1), ['GET /1.0/instances/c1', 'PUT /1.0/instances/c1/state']);
});

test('a move names the host and asks for a live one; with a new name alone it is a rename', async () => {
  await using server = await startFakeServer({ 'POST /1.0/instances/c1': started(DONE) });
  await server.run(['move', 'c1', '--target', 'n2']);
  await server.run(['move', 'c1', '--target', 'n2', '--stateless']);
  await server.run(['move', 'c1', 'c2']);
  assert.deepEqual(calls(server), [
    'POST /1.0/instances/c1?target=n2',
    'POST /1.0/instances/c1?target=n2',
    'POST /1.0/instances/c1',
  ]);
  assert.deepEqual(
    server.seen.map(call => call.body),
    [
      { name: 'c1', migration: true, live: true, instance_only: false },
      { name: 'c1', migration: true, live: false, instance_only: false },
      { name: 'c2', migration: false },
    ],
  );
});

test('a live move tells what it took', async () => {
  const metadata = {
    'berth.freeze_ms': { dump: 118.2, images: 5, total: 159 },
    'berth.restore_ms': { restore: 103.4 },
    'berth.switch_ms': 5,
    'berth.resume_ms': { pause: 2, total: 96 },
    'berth.pause_ms': 271,
  };
  await using server = await startFakeServer({ 'POST /1.0/instances/c1': started({ ...DONE, metadata }) });
  assert.equal(
    (await server.run(['move', 'c1', '--target', 'n2'])).out,
    'c1 moved to n2 while it ran: it stood still for 271 ms (dump 118, send images 5, end of volume 36, restore 103, switch 5, resume 2)\n',
  );
});

test('move --check exits with 1 if it could not move', async () => {
  const plan = (verdict: string) => ({
    placement: { node: 'n2', at: '', summary: '', reasons: [] },
    check: { verdict, obstacles: [], memory_bytes: 0, disk_bytes: 0, processes: 1 },
  });
  let verdict = 'live';
  await using server = await startFakeServer({
    'GET /1.0': { api_extensions: ['berth_dry_run'] },
    'POST /1.0/instances/c1': () => plan(verdict),
  });
  assert.equal((await server.run(['move', 'c1', '--target', 'n2', '--check'])).code, 0);
  verdict = 'no';
  assert.equal((await server.run(['move', 'c1', '--target', 'n2', '--check'])).code, 1);
});

test('a change carries the ETag of what it changes, and only what may be written', async () => {
  await using server = await startFakeServer({
    'GET /1.0/instances/c1': {
      name: 'c1',
      architecture: 'x86_64',
      config: { a: '1' },
      devices: null,
      profiles: ['default'],
      status: 'Running',
    },
    'PUT /1.0/instances/c1': started(DONE),
  });
  assert.equal((await server.run(['config', 'set', 'c1', 'b=2'])).code, 0);
  assert.equal(server.seen[1]?.headers['if-match'], '"e1"');
  assert.deepEqual(server.seen[1]?.body, {
    architecture: 'x86_64',
    config: { a: '1', b: '2' },
    devices: null,
    profiles: ['default'],
  });
  await server.run(['config', 'set', 'c1', 'a=1']);
  assert.equal(
    calls(server).filter(call => call.startsWith('PUT')).length,
    1,
    'a change that changes nothing is not sent',
  );
});

test('list asks for states only if a column needs them, and shows the location only in a cluster', async () => {
  const instance = {
    name: 'c1',
    status: 'Running',
    status_code: 103,
    type: 'container',
    architecture: 'x86_64',
    location: 'n1',
    state: null,
  };
  await using server = await startFakeServer({
    'GET /1.0/instances': [instance],
    'GET /1.0': { environment: { server_clustered: true } },
  });
  assert.match((await server.run(['list'])).out, /LOCATION/);
  assert.equal((await server.run(['list', '-c', 'ns', '-f', 'csv'])).out, 'c1,RUNNING\n');
  assert.deepEqual(
    calls(server).filter(call => call.includes('instances')),
    ['GET /1.0/instances?filter=&recursion=2', 'GET /1.0/instances?filter=&recursion=1'],
  );
});

test('a split image goes as a form, metadata first, byte for byte', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-image-'));
  await using server = await startFakeServer({
    'POST /1.0/images': started({ ...DONE, metadata: { fingerprint: 'f00' } }),
    'POST /1.0/images/aliases': null,
  });
  const [meta, root] = [join(folder, 'meta.tar.xz'), join(folder, 'root.squashfs')];
  await writeFile(meta, Buffer.from([0, 1, 2, 13, 10]));
  await writeFile(root, Buffer.from([255, 254, 13, 10, 45, 45]));
  const { code, out } = await server.run(['image', 'import', meta, root, 'os=debian', '--alias', 'deb']);
  await rm(folder, { recursive: true });
  assert.deepEqual([code, out], [0, 'Image imported with fingerprint: f00\n']);
  const { headers, body } = server.seen[0]!;
  const form = await new Response(body as Buffer<ArrayBuffer>, {
    headers: { 'Content-Type': headers['content-type']! },
  }).formData();
  assert.deepEqual([...form.keys()], ['metadata', 'rootfs']);
  assert.deepEqual(
    Buffer.from(await (form.get('rootfs') as File).arrayBuffer()),
    Buffer.from([255, 254, 13, 10, 45, 45]),
  );
  assert.equal((form.get('metadata') as File).name, 'meta.tar.xz');
  assert.equal(headers['x-lxd-properties'], 'os=debian');
  assert.deepEqual(server.seen[1]?.body, { name: 'deb', target: 'f00', description: '' });
});

test('an exported image with other bytes than its fingerprint says is not kept', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'berth-image-'));
  const good = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
  let bytes = 'abc';
  const exported = (_seen: unknown, response: ServerResponse) => {
    response
      .writeHead(200, {
        'Content-Type': 'application/octet-stream',
        'Content-Disposition': 'inline;filename=../evil.tar.gz',
      })
      .end(bytes);
    return ANSWERED;
  };
  await using server = await startFakeServer({
    [`GET /1.0/images/${good}`]: { fingerprint: good },
    [`GET /1.0/images/${good}/export`]: exported,
  });
  assert.equal((await server.run(['image', 'export', good, folder])).code, 0);
  assert.equal(await readFile(join(folder, 'evil.tar.gz'), 'utf8'), 'abc');
  bytes = 'abd';
  const bad = await server.run(['image', 'export', good, join(folder, 'bad')]);
  assert.match(bad.err, /fingerprint doesn't match/);
  await assert.rejects(readFile(join(folder, 'bad.tar.gz')));
  await assert.rejects(readFile(join(folder, 'bad.tar.gz.part')));
  await rm(folder, { recursive: true });
});

test('doctor counts a host that cannot be asked among the findings', async () => {
  await using server = await startFakeServer({
    'GET /1.0': { api_extensions: ['berth_doctor'] },
    'GET /1.0/cluster/members': [{ server_name: 'n2' }, { server_name: 'n1' }],
    'GET /1.0/cluster/members/n1/doctor': { checks: [{ name: 'criu', status: 'ok', detail: '4.2', advice: '' }] },
    'GET /1.0/cluster/members/n2/doctor': refusal(503, 'n2 is away'),
  });
  const { code, out } = await server.run(['doctor', '-f', 'csv']);
  assert.equal(code, 1);
  assert.equal(
    out,
    'n1,criu,OK,4.2,\nn2,reachable,FAIL,n2 is away,look whether the agent runs there: systemctl status berth-agent\n',
  );
  assert.equal((await server.run(['doctor', 'n1', '--problems', '-f', 'csv'])).code, 0);
});

test('evacuate asks first, unless forced', async () => {
  await using server = await startFakeServer({ 'POST /1.0/cluster/members/n1/state': started(DONE) });
  assert.match((await server.run(['evacuate', 'n1'], { stdin: 'no\n' })).err, /aborted/);
  assert.equal(server.seen.length, 0);
  assert.equal((await server.run(['evacuate', 'n1'], { stdin: 'yes\n' })).code, 0);
  assert.equal((await server.run(['cluster', 'evacuate', 'n1', '--force', '--action', 'stop'])).code, 0);
  assert.deepEqual(
    server.seen.map(call => call.body),
    [
      { action: 'evacuate', mode: '' },
      { action: 'evacuate', mode: 'stop' },
    ],
  );
});

test('a preseed that is refused half-way is undone', async () => {
  await using server = await startFakeServer({
    'POST /1.0/networks': null,
    'GET /1.0/storage-pools/p': { name: 'p', driver: 'dir', config: { source: '/p' }, description: 'old' },
    'PUT /1.0/storage-pools/p': null,
    'POST /1.0/profiles': refusal(400, 'Unknown configuration key: x'),
    'DELETE /1.0/networks/br0': null,
    'DELETE /1.0/profiles/bad': refusal(404, 'not found'),
  });
  const stdin =
    'networks: [{name: br0}]\nstorage_pools: [{name: p, driver: dir, description: new}]\nprofiles: [{name: bad, config: {x: 1}}]\n';
  const { code, err } = await server.run(['init', '--preseed'], { stdin });
  assert.deepEqual([code, err], [1, 'Error: Unknown configuration key: x\n']);
  assert.deepEqual(
    calls(server).filter(call => !call.startsWith('GET')),
    [
      'POST /1.0/networks',
      'PUT /1.0/storage-pools/p',
      'POST /1.0/profiles',
      'DELETE /1.0/profiles/bad',
      'PUT /1.0/storage-pools/p',
      'DELETE /1.0/networks/br0',
    ],
  );
  assert.deepEqual(server.seen.findLast(call => call.method === 'PUT')?.body, {
    config: { source: '/p' },
    description: 'old',
  });
});

test('query prints what comes, and can wait', async () => {
  await using server = await startFakeServer({
    'GET /1.0/instances': ['/1.0/instances/c1'],
    'POST /1.0/x': started(),
    'GET /1.0/operations/op1/wait': operation(DONE),
  });
  assert.equal((await server.run(['query', '/1.0/instances'])).out, '[\n\t"/1.0/instances/c1"\n]\n');
  assert.equal(
    JSON.parse((await server.run(['query', '-X', 'POST', '-d', '{"a":1}', '--wait', 'local:/1.0/x'])).out).status,
    'Success',
  );
  assert.match((await server.run(['query', '-d', '{a', '/1.0'])).err, /not JSON/);
});

test('snapshot, restore, rename and delete speak of instance/snapshot', async () => {
  const path = '/1.0/instances/c1/snapshots/s1';
  await using server = await startFakeServer({
    'POST /1.0/instances/c1/snapshots': started(DONE),
    [`GET ${path}`]: { name: 's1' },
    [`DELETE ${path}`]: started(DONE),
    [`POST ${path}`]: started(DONE),
    'PUT /1.0/instances/c1': started(DONE),
  });
  for (const line of [
    'snapshot c1',
    'snapshot c1 s1 --stateful --no-expiry --reuse',
    'restore c1 s1 --stateful',
    'restore c1/s1',
    'rename c1/s1 c1/s2',
    'move c1/s1 c1/s3',
    'delete c1/s1',
  ]) {
    const { code, err } = await server.run(line.split(' '));
    assert.equal(code, 0, `${line}: ${err}`);
  }
  const zero = '0001-01-01T00:00:00Z';
  const sent = server.seen.map(({ method, path, body }) => [`${method} ${path}`, ...(isEmpty(body) ? [] : [body])]);
  assert.deepEqual(sent, [
    ['POST /1.0/instances/c1/snapshots', { name: '', stateful: false, expires_at: null }],
    [`GET ${path}`],
    [`DELETE ${path}`],
    ['POST /1.0/instances/c1/snapshots', { name: 's1', stateful: true, expires_at: zero }],
    ['PUT /1.0/instances/c1', { restore: 's1', stateful: true }],
    ['PUT /1.0/instances/c1', { restore: 's1', stateful: false }],
    [`POST ${path}`, { name: 's2', migration: false }],
    [`POST ${path}`, { name: 's3', migration: false }],
    [`DELETE ${path}`],
  ]);
  const strayed = await server.run(['rename', 'c1/s1', 'c2/s1']);
  assert.deepEqual(
    [strayed.code, strayed.err],
    [1, 'Error: A snapshot stays with its instance: rename it to c1/NEW-NAME\n'],
  );
});

const isEmpty = (body: unknown): boolean => Buffer.isBuffer(body) && body.length === 0;

test('copy --live is refused before anything is asked for, with the reason and the way', async () => {
  await using server = await startFakeServer({});
  const { code, err } = await server.run(['copy', 'c1', 'c2', '--live']);
  assert.equal(code, 1);
  assert.match(err, /address, MAC, host name and connections.*--stateful.*copy it without --live/s);
  assert.deepEqual(server.seen, []);
});

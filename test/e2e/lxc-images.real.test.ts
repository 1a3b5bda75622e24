/** Images of instances by Debian's `lxc` 5.0.2: published, launched on another host, taken out and in again. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';
import { type ImageStore, openImageStore } from './image-store.ts';

describe('images of instances', { timeout: 240_000 }, () => {
  let harness: Harness;
  let folder: string;
  before(async () => {
    harness = await openHarness('lxc-images');
    folder = join(harness.cluster.dir, 'images');
    mkdirSync(folder);
    await lxc('launch busybox c1 --target n1');
    await inside('c1', 'echo mine > /root/f && chown 7:8 /root/f && chmod 4755 /root/f && ln -s f /root/l');
  });
  after(() => harness?.close());

  const lxc = async (line: string) => (await harness.lxc(line.split(' '))).stdout.trim();
  const inside = async (name: string, script: string) =>
    (await harness.lxc(['exec', name, '--', 'sh', '-c', script])).stdout.trim();
  const fails = async (line: string, why: RegExp) => {
    const { code, stderr } = await harness.lxc(line.split(' '), { allowFailure: true });
    assert.notEqual(code, 0, `lxc ${line} should have failed`);
    assert.match(stderr, why);
  };
  const seen = (name: string) => inside(name, 'cat /root/f; stat -c "%u %g %a" /root/f; readlink /root/l');

  it('one that runs is stopped only with --force, and runs again', async () => {
    await fails('publish c1 --alias pub', /running/);
    const said = await lxc('publish c1 --force --alias pub description=hello os=mine');
    assert.match(said, /fingerprint: [0-9a-f]{64}$/);
    assert.match(await lxc('list --format csv -c ns'), /^c1,RUNNING$/m);
    assert.match(await lxc('image info pub'), /description: hello\n\s+os: mine/);
    await lxc('launch pub c2 --target n2');
    assert.equal(await seen('c2'), 'mine\n7 8 4755\nf');
  });

  it('a snapshot is published while its instance runs and has gone on', async () => {
    await lxc('snapshot c1 s0');
    await inside('c1', 'echo other > /root/f');
    await lxc('publish c1/s0 --alias then --compression zstd --public');
    assert.match(await lxc('image list then --format csv -c lp'), /^then,yes$/);
    await lxc('launch then c3 --target n3');
    assert.equal(await seen('c3'), 'mine\n7 8 4755\nf');
  });

  it('is exported and imported again', async () => {
    await lxc(`image export pub ${join(folder, 'pub')}`);
    assert.ok(existsSync(join(folder, 'pub.tar.gz')));
    await lxc('image delete pub');
    await lxc(`image import ${join(folder, 'pub.tar.gz')} --alias again`);
    await lxc('launch again c4 --target n2');
    assert.equal(await seen('c4'), 'mine\n7 8 4755\nf');
  });

  describe('from an image store', () => {
    let store: ImageStore;
    before(async () => {
      store = await openImageStore(harness.image, harness.cluster.layout.gateway);
      await lxc('image delete busybox');
    });
    after(() => store?.close());
    const send = async (path: string, body: unknown) => {
      const text = await harness.lxc(['query', '-X', 'POST', '--wait', '-d', JSON.stringify(body), path], {
        allowFailure: true,
      });
      return `${text.stdout}${text.stderr}`;
    };
    const source = (more: object) => ({
      type: 'image',
      mode: 'pull',
      server: store.url,
      certificate: store.certificate,
      ...more,
    });

    it('an instance is made of an image that is fetched first, once', async () => {
      const wish = { name: 's1', source: source({ protocol: 'simplestreams', alias: 'busybox/1' }) };
      assert.match(await send('/1.0/instances?target=n3', wish), /Success/);
      await lxc('start s1');
      assert.equal(await inside('s1', 'echo up'), 'up');
      assert.match(
        await lxc('image list --format csv -c Fd'),
        new RegExp(`^${store.fingerprint},BusyBox one amd64`, 'm'),
      );
      const before = store.asked.length;
      assert.match(await send('/1.0/instances', { ...wish, name: 's2' }), /Success/);
      assert.deepEqual(store.asked.slice(before), ['/streams/v1/index.json', '/streams/v1/images.json']);
    });

    it('what is damaged, not there or not trusted is refused, and nothing stays', async () => {
      await lxc('delete -f s1 s2');
      await lxc(`image delete ${store.fingerprint}`);
      const nothing = await send('/1.0/images', { source: source({ protocol: 'simplestreams', alias: 'nothing' }) });
      assert.match(nothing, /nothing/);
      const other = { ...source({ protocol: 'simplestreams', alias: 'busybox' }), certificate: '' };
      assert.match(await send('/1.0/images', { source: other }), /certificate/i);
      store.damage();
      const wish = { name: 's3', source: source({ protocol: 'simplestreams', alias: 'busybox' }) };
      assert.match(await send('/1.0/instances', wish), /damaged/);
      assert.doesNotMatch(await lxc('image list --format csv -c F'), new RegExp(store.fingerprint));
      assert.doesNotMatch(await lxc('list --format csv -c n'), /s3/);
    });

    it('by the protocol of LXD servers', async () => {
      const again = await openImageStore(harness.image, new URL(store.url).hostname);
      try {
        const from = { type: 'image', protocol: 'lxd', server: again.url, certificate: again.certificate, alias: 'bb' };
        assert.match(await send('/1.0/images', { source: from, properties: { mine: 'yes' } }), /Success/);
        assert.match(await lxc(`image show ${again.fingerprint}`), /mine: "yes"(.|\n)*os: from LXD/);
        await lxc(`image alias create busybox ${again.fingerprint}`);
        await lxc('launch busybox s4');
        assert.equal(await inside('s4', 'echo up'), 'up');
      } finally {
        await again.close();
      }
    });
  });

  it('properties, groups of hosts and the use of a project, by berth', async () => {
    const berth = async (line: string) => (await harness.berth(line.split(' '))).stdout.trim();
    await berth('image set-property again os other');
    assert.equal(await berth('image get-property again os'), 'other');
    assert.equal(await lxc('image get-property again os'), 'other');
    await berth('image unset-property again os');
    await assert.rejects(berth('image get-property again os'), /Property not found/);
    await berth('cluster group create fast');
    await berth('cluster group assign n1 default,fast');
    assert.equal(await berth('cluster group list --format csv'), await lxc('cluster group list --format csv'));
    assert.match(await berth('cluster group show fast'), /members:\n- n1/);
    await berth('cluster group remove n1 fast');
    await harness.berth(['cluster', 'group', 'edit', 'fast'], { input: 'description: quick\nmembers: [n2]\n' });
    await berth('cluster group rename fast quick');
    assert.match(await lxc('cluster group show quick'), /description: quick\nmembers:\n- n2/);
    await assert.rejects(berth('cluster group delete quick'), /n2 must leave/);
    await berth('cluster group assign n2 default');
    await berth('cluster group delete quick');
    assert.match(await berth('project info default --format csv'), /^INSTANCES,UNLIMITED,\d+$/m);
  });

  it('gives its public images to other servers: as a simplestreams tree, and by the lxd protocol', async () => {
    await lxc('publish c1 --force --alias shared --public os=Shared');
    const [fingerprint] = (await lxc('image list shared --format csv -c F')).split('\n');
    const { certificate } = JSON.parse(await lxc('query /1.0')).environment;
    // The hosts cannot see this machine's loopback; what stands before a real controller would be reached like this.
    const { hostname, port } = new URL(harness.cluster.url);
    const door = createServer(client => {
      const inner = connect(Number(port), hostname);
      for (const end of [client, inner]) end.on('error', () => end.destroy());
      client.pipe(inner).pipe(client);
    });
    await once(door.listen(0, harness.cluster.layout.gateway), 'listening');
    const server = `https://${harness.cluster.layout.gateway}:${(door.address() as AddressInfo).port}`;
    for (const protocol of ['simplestreams', 'lxd'] as const) {
      await lxc(`project create ${protocol} -c features.images=true -c features.profiles=false`);
      const source = { type: 'image', mode: 'pull', protocol, server, certificate, alias: 'shared' };
      const body = JSON.stringify({ source });
      await harness.lxc(['query', '-X', 'POST', '--wait', '-d', body, `/1.0/images?project=${protocol}`]);
      assert.match(await lxc(`image list --project ${protocol} --format csv -c F`), new RegExp(fingerprint!));
      await lxc(`image delete --project ${protocol} ${fingerprint}`);
      await lxc(`project delete ${protocol}`);
    }
    door.close();
  });

  it('says what it does not take', async () => {
    await fails('publish nothing', /not found/i);
    await fails('publish c1/nothing', /not found/i);
    await fails('publish c1 --force --compression rar', /compression_algorithm/);
    assert.match(await lxc('list --format csv -c ns'), /^c1,RUNNING$/m);
  });
});

/** The commands of the real `lxc` 5.0.2 that no other test needs: what each is for, noun by noun, on one cluster. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { run } from '../../src/agent/command.ts';
import { type Harness, openHarness } from './harness.ts';

describe('the rest of the words of lxc', { timeout: 180_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lxc-words');
    await lxc('init busybox c1 --target n1');
  });
  after(() => harness?.close());

  /** One line as it is typed; what is piped in. */
  const lxc = async (line: string, input = '') => (await harness.lxc(line.split(' '), { input })).stdout.trim();
  const fails = async (line: string, why: RegExp, input = '') => {
    const { code, stderr } = await harness.lxc(line.split(' '), { input, allowFailure: true });
    assert.notEqual(code, 0, `lxc ${line} should have failed`);
    assert.match(stderr, why);
  };
  /** Shows it, changes the text, and sends it back. */
  const edit = async (noun: string, name: string, change: (yaml: string) => string) =>
    lxc(`${noun} edit ${name}`, change(await lxc(`${noun} show ${name}`)));

  it('cluster: groups, roles of members, evacuation', async () => {
    await lxc('cluster group create fast');
    await edit('cluster group', 'fast', yaml => yaml.replace('description: ""', 'description: quick ones'));
    await lxc('cluster group assign n1 default,fast');
    assert.match(await lxc('cluster group show fast'), /quick ones[\s\S]*n1/);
    await lxc('cluster group rename fast faster');
    assert.match(await lxc('cluster group list --format csv'), /^faster,quick ones,1$/m);
    await lxc('cluster group remove n1 faster');
    await lxc('cluster group delete faster');
    await fails('cluster rename n1 other', /cannot be renamed/);
    await lxc('cluster evacuate n1 --force');
    assert.match(await lxc('cluster list --format csv'), /^n1,.*EVACUATED/im);
    assert.match(await lxc('list c1 --format csv -c L'), /^n[23]$/);
    await lxc('cluster restore n1 --force');
    assert.equal(await lxc('list c1 --format csv -c L'), 'n1');
  });

  it('config: trust, and a template that goes', async () => {
    const server = await lxc('config trust add --name friend');
    const token = server.split('\n').at(-1)!;
    await lxc(`remote add there ${token} --accept-certificate`);
    const [fingerprint] = (await lxc('query /1.0/certificates')).match(/[0-9a-f]{64}/)!;
    assert.match(await lxc(`config trust show ${fingerprint.slice(0, 12)}`), /name: friend/);
    await edit('config trust', fingerprint.slice(0, 12), yaml => yaml.replace('name: friend', 'name: best friend'));
    assert.match(await lxc(`config trust show ${fingerprint}`), /best friend/);
    assert.match(await lxc('list there: --format csv -c n'), /^c1$/m);
    await lxc('remote rename there elsewhere');
    await lxc('remote switch elsewhere');
    assert.equal(await lxc('remote get-default'), 'elsewhere');
    await lxc('remote switch local');
    const [, url] = (await lxc('remote list --format csv')).match(/elsewhere,([^,]+),/)!;
    await lxc(`remote set-url elsewhere ${url}/`);
    await lxc(`config trust remove ${fingerprint}`);
    await fails('list elsewhere:', /not authorized/);
    await lxc('remote remove elsewhere');
    await lxc('config template create c1 t');
    await lxc('config template delete c1 t');
    assert.doesNotMatch(await lxc('config template list c1 --format csv'), /^t$/m);
  });

  it('files and images', async () => {
    // It opens /dev/stdin by name, which only a pipe allows.
    await run('sh', ['-c', 'echo hello | lxc file edit c1/root/note'], { env: harness.env });
    assert.equal(await lxc('file pull c1/root/note -'), 'hello');
    await lxc('image alias create other busybox'.replace('busybox', await fingerprint()));
    await edit('image', 'other', yaml => yaml.replace(/^properties:\n/m, 'properties:\n  hue: blue\n'));
    assert.match(await lxc('image show other'), /hue: blue/);
    await lxc('config set images.compression_algorithm zstd');
    await lxc('publish c1 --alias packed');
    assert.match(await lxc('image list packed --format json'), /"filename":"[^"]+\.tar\.zst"/);
    await lxc('config unset images.compression_algorithm');
    await fails('config set images.compression_algorithm rar', /images\.compression_algorithm/);
    await fails('config set core.proxy_https http://p', /hosts fetch images directly/);
    await lxc('image alias delete other');
    await fails('image show other', /not found/);
  });
  const fingerprint = async () => (await lxc('image list busybox --format csv -c F')).split('\n')[0]!;

  it('networks and forwards', async () => {
    await lxc('network create br9 ipv4.address=198.18.90.1/24 ipv6.address=none ipv4.nat=false');
    await edit('network', 'br9', yaml => yaml.replace('description: ""', 'description: ninth'));
    assert.match(await lxc('network show br9'), /ninth/);
    await lxc('network forward create br9 198.18.91.9');
    await lxc('network forward set br9 198.18.91.9 user.who me');
    assert.equal(await lxc('network forward get br9 198.18.91.9 user.who'), 'me');
    await lxc('network forward unset br9 198.18.91.9 user.who');
    await lxc('network forward edit br9 198.18.91.9', 'description: a door\nconfig: {}\nports: []\n');
    assert.match(await lxc('network forward show br9 198.18.91.9'), /a door/);
    await lxc('network forward delete br9 198.18.91.9');
    await lxc('network delete br9');
  });

  it('operations', async () => {
    const id =
      (await lxc('cluster add n9')) && (await lxc('operation list --format csv')).match(/^([0-9a-f-]{36}),TOKEN/m)![1]!;
    assert.match(await lxc(`operation show ${id}`), /class: token/);
    await lxc(`operation delete ${id}`);
    assert.doesNotMatch(await lxc('operation list --format csv'), /TOKEN/);
  });

  it('projects', async () => {
    await lxc('project create p1');
    await edit('project', 'p1', yaml => yaml.replace('description: ""', 'description: first'));
    await lxc('project set p1 user.who me');
    assert.equal(await lxc('project get p1 user.who'), 'me');
    await lxc('project unset p1 user.who');
    await lxc('project switch p1');
    assert.equal(await lxc('list --format csv -c n'), '');
    await lxc('project switch default');
    assert.match(await lxc('project list --format csv'), /^p1,.*first/m);
    await lxc('project delete p1');
  });

  it('storage: pools and volumes', async () => {
    for (const target of ['n1', 'n2', 'n3']) await lxc(`storage create extra dir --target ${target}`);
    await lxc('storage create extra dir');
    await edit('storage', 'extra', yaml => yaml.replace('description: ""', 'description: more room'));
    await lxc('storage set extra user.who me');
    assert.equal(await lxc('storage get extra user.who'), 'me');
    await lxc('storage unset extra user.who');
    assert.match(await lxc('storage show extra'), /more room/);
    await lxc('storage volume create extra v1 --target n1');
    await lxc('storage volume set extra v1 user.who me');
    assert.equal(await lxc('storage volume get extra v1 user.who'), 'me');
    await lxc('storage volume unset extra v1 user.who');
    await lxc('storage volume edit extra v1', 'description: a volume\nconfig: {}\n');
    assert.match(await lxc('storage volume show extra v1'), /a volume/);
    assert.match(await lxc('storage volume info extra v1'), /Name: v1/);
    await lxc('profile create with-v1');
    await lxc('storage volume attach-profile extra v1 with-v1 data /data');
    assert.match(await lxc('profile show with-v1'), /source: v1/);
    await lxc('storage volume detach-profile extra v1 with-v1');
    await lxc('profile delete with-v1');
    await lxc('storage volume delete extra v1');
    await lxc('storage delete extra');
    assert.doesNotMatch(await lxc('storage list --format csv'), /extra/);
  });

  it('berth takes the same flags', async () => {
    const berth = async (line: string) => (await harness.berth(line.split(' '))).stdout.trim();
    assert.match(await berth('storage show default --resources'), /space:\n {2}used: \d+/);
    await berth('project create p2 -c features.profiles=true');
    await lxc('profile create shared');
    await berth('profile copy shared shared --target-project p2');
    assert.match(await berth('profile list --project p2'), /shared/);
    await lxc('storage volume create default w1 --target n1');
    await berth('storage volume copy default/w1 default/w2 --target n1 --target-project p2');
    assert.match(await berth('storage volume list default --all-projects -c en --format csv'), /^p2,w2$/m);
    await berth('storage volume snapshot default w1 s --target n1');
    await berth('storage volume snapshot default w1 s --reuse');
    await berth('storage volume restore default w1 s --target n1');
    await berth('storage volume rename default w1 w3 --target n1');
    for (const [project, name] of [
      ['p2', 'w2'],
      ['default', 'w3'],
    ])
      await berth(`storage volume delete default ${name} --project ${project}`);
    await berth('config set --target n1 user.who me');
    assert.equal(await berth('config get user.who --target n1'), 'me');
    assert.match(await harness.berthFails('launch', 'busybox', 'v', '--vm'), /only containers/);
    assert.match(await harness.berthFails('storage', 'volume', 'list', 'default', '-c', 'x'), /Unknown column/);
    assert.match(await berth('warning list -c t --format csv'), /^$/);
  });

  it('warnings', async () => {
    await lxc('config set cluster.offline_threshold 2');
    await harness.cluster.killAgent('n3');
    const find = async () => (await lxc('warning list --format json')).match(/"uuid":"([^"]+)"/)?.[1];
    let id = await find();
    while (id === undefined) {
      await new Promise(resolve => setTimeout(resolve, 100)); // the cluster waits for it, too
      id = await find();
    }
    assert.match(await lxc(`warning show ${id}`), /n3/);
    await lxc(`warning acknowledge ${id}`);
    assert.equal(await find(), undefined);
    await lxc(`warning delete ${id}`);
    await fails(`warning show ${id}`, /not found/i);
  });
});

/** Debian's `lxc` line by line, for what is no noun's own: instances, config, devices, profiles, remotes, operations, the rest. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Harness, openHarness } from './harness.ts';

/** A line, what its output must show (or its error, after `!`), and what it reads from standard input. */
type Line = readonly [line: string, shows?: RegExp | undefined, input?: string];

const GROUPS: Readonly<Record<string, readonly Line[]>> = {
  profiles: [
    ['lxc profile create p1'],
    ['lxc profile create p1', /already exists/],
    ['lxc profile set p1 limits.memory 64MiB'],
    ['lxc profile set p1 user.a=1 user.b=2'],
    ['lxc profile get p1 limits.memory', /^64MiB$/m],
    ['lxc profile set p1 no.such=1', /no\.such/],
    ['lxc profile unset p1 user.b'],
    ['lxc profile show p1', /limits\.memory: 64MiB\n {2}user\.a: "1"/],
    ['lxc profile edit p1', undefined, 'config: {user.c: "3"}\ndescription: edited\ndevices: {}\n'],
    ['lxc profile show p1', /user\.c: "3"\ndescription: edited/],
    ['lxc profile device add p1 data disk source=/srv path=/data'],
    ['lxc profile device list p1', /^data$/m],
    ['lxc profile device show p1', /path: \/data/],
    ['lxc profile device get p1 data path', /^\/data$/m],
    ['lxc profile device set p1 data readonly=true'],
    ['lxc profile device get p1 data readonly', /^true$/m],
    ['lxc profile device unset p1 data readonly'],
    ['lxc profile device remove p1 data', /Device data removed/],
    ['lxc profile copy p1 p2'],
    ['lxc profile rename p2 p3'],
    ['lxc profile list --format csv', /^p1,edited,0\n?.*^p3,edited,0/ms],
    ['lxc profile delete p3', /Profile p3 deleted/],
    ['lxc profile delete default', /cannot be deleted/],
  ],
  instances: [
    ['lxc init busybox c1 --target n1 -c user.a=1 -p default -p p1'],
    ['lxc init --empty e1'],
    ['lxc launch busybox c2 --target n2'],
    ['lxc list --format csv -c nsL', /^c1,STOPPED,n\d\nc2,RUNNING,n2\ne1,STOPPED,n\d$/m],
    ['lxc list c1 --format json', /"name":"c1"/],
    ['lxc list status=running --format csv -c n', /^c2$/m],
    ['lxc list --fast --format csv', /^c1,STOPPED,/m],
    ['lxc list --all-projects --format csv', /default,c1/],
    ['lxc start c1'],
    ['lxc info c1', /Status: RUNNING/],
    ['lxc exec c1 --env A=b --cwd /tmp -- sh -c pwd', /^\/tmp$/m],
    ['lxc pause c1'],
    ['lxc list c1 --format csv -c s', /^FROZEN$/m],
    ['lxc start c1'],
    ['lxc restart c1 --force'],
    ['lxc stop c1 --force'],
    ['lxc rename c1 c3'],
    ['lxc move c3 c1'],
    ['lxc move c1 --target n3'],
    ['lxc list c1 --format csv -c L', /^n3$/m],
    ['lxc copy c1 c4'],
    ['lxc snapshot c1 s1'],
    ['lxc snapshot c1 s1', /already exists/],
    ['lxc snapshot c1 s1 --reuse'],
    ['lxc info c1', /s1/],
    ['lxc restore c1 s1'],
    ['lxc rename c1/s1 c1/s2'],
    ['lxc copy c1/s2 c5'],
    ['lxc delete c1/s2'],
    ['lxc delete c4 c5 e1'],
    ['lxc delete c2', /running|stop/],
    ['lxc delete c2 --force'],
  ],
  config: [
    ['lxc config set c1 user.a=2'],
    ['lxc config get c1 user.a', /^2$/m],
    ['lxc config get c1 user.c -e', /^3$/m],
    ['lxc config unset c1 user.a'],
    ['lxc config show c1', /profiles:\n- default\n- p1/],
    ['lxc config show c1 --expanded', /user\.c: "3"/],
    ['lxc config set c1 limits.memory=much', /limits\.memory/],
    ['lxc config device add c1 data disk source=/srv path=/data', /Device data added/],
    ['lxc config device list c1', /^data$/m],
    ['lxc config device show c1', /path: \/data/],
    ['lxc config device get c1 data path', /^\/data$/m],
    ['lxc config device set c1 data readonly=true'],
    ['lxc config device unset c1 data readonly'],
    ['lxc config device remove c1 data', /Device data removed/],
    ['lxc config device override c1 eth0 mtu=1400', /Device eth0 overridden/],
    ['lxc profile assign c1 default', /applied/],
    ['lxc profile add c1 p1', /added/],
    ['lxc profile remove c1 p1', /removed/],
    ['lxc config set user.site=here'],
    ['lxc config get user.site', /^here$/m],
    ['lxc config show', /user\.site: here/],
    ['lxc config unset user.site'],
    ['lxc config trust add --name laptop', /Client laptop certificate add token/],
    ['lxc config trust list-tokens --format csv', /^laptop,/m],
    ['lxc config trust revoke-token laptop'],
    ['lxc config trust list --format csv'],
  ],
  images: [
    ['lxc image list --format csv', /^busybox,/m],
    ['lxc image info busybox', /Fingerprint: [0-9a-f]{64}/],
    ['lxc image show busybox', /auto_update: false/],
    ['lxc image set-property busybox note x'],
    ['lxc image get-property busybox note', /^x$/m],
    ['lxc image unset-property busybox note'],
    ['lxc image alias list --format csv', /^busybox,/m],
    ['lxc image alias rename busybox bb'],
    ['lxc image alias rename bb busybox'],
  ],
  'the rest': [
    ['lxc version', /Server version: 5\.0/],
    ['lxc info', /server_clustered: true/],
    ['lxc info --resources', /CPU/],
    ['lxc query /1.0/instances', /\/1\.0\/instances\/c1/],
    ['lxc operation list --format csv'],
    ['lxc warning list --format csv'],
    ['lxc cluster list --format csv', /^n1,/m],
    ['lxc cluster show n1', /server_name: n1/],
    ['lxc cluster set n1 user.rack=1'],
    ['lxc cluster get n1 user.rack', /^1$/m],
    ['lxc cluster unset n1 user.rack'],
    ['lxc cluster edit n1', undefined, 'description: first\nroles: []\nfailure_domain: default\nconfig: {}\n'],
    ['lxc cluster show n1', /description: first/],
    ['lxc cluster add n9', /join token/],
    ['lxc cluster list-tokens --format csv', /^n9,/m],
    ['lxc cluster revoke-token n9'],
    ['lxc cluster enable x', /already clustered/],
    ['lxc project list --format csv', /^default/m],
    ['lxc project show default', /name: default/],
    ['lxc network list --format csv'],
    ['lxc storage list --format csv', /^default,/m],
    ['lxc storage show default', /name: default/],
    ['lxc storage info default', /space used/],
    ['lxc remote list --format csv', /^local \(current\),unix:/m],
    ['lxc remote get-default', /^local$/m],
    ['lxc remote add other https://127.0.0.1:1 --accept-certificate', /refused/],
    ['lxc alias add ll list'],
    ['lxc alias rename ll l2'],
    ['lxc alias list --format csv', /^l2,list$/m],
    ['lxc alias remove l2'],
    ['lxc delete c1'],
    ['lxc profile delete p1'],
  ],
};

describe('lxc, line by line', { timeout: 240_000 }, () => {
  let harness: Harness;
  before(async () => {
    harness = await openHarness('lxc-basics');
  });
  after(() => harness?.close());

  for (const [group, lines] of Object.entries(GROUPS)) {
    it(`${group}: ${lines.length} lines`, async () => {
      for (const [line, shows, input] of lines) {
        const env = { LXD_CONF: join(harness.cluster.dir, 'cli', 'basics') };
        const words = line.split(' ').slice(1);
        const { code, stdout, stderr } = await harness.lxc(words, { input: input ?? '', env, allowFailure: true });
        const said = `${line}: exit ${code}\n${stdout}${stderr}`;
        if (shows === undefined) assert.equal(code, 0, said);
        else assert.match(code === 0 ? stdout : stderr, shows, said);
        if (code !== 0) assert.ok(shows !== undefined, said);
      }
    });
  }
});

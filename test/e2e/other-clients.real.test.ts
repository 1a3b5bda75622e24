/** pylxd, Ansible's modules and plug-ins (all from Debian's archive), and Juju's calls, against one cluster over HTTPS. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { type Outcome, run } from '../../src/agent/command.ts';
import { type Identity, makeSelfSigned } from '../../src/kit/certificates.ts';
import { replayJuju } from './clients/juju.ts';
import { type Harness, openHarness } from './harness.ts';

const CLIENTS = join(import.meta.dirname, 'clients');
const PYTHON = '/usr/bin/python3'; // Debian's, which has Debian's modules
const PASSWORD = 'open sesame';

/** A newer Debian may lack them: then set-up has said so. */
const lacks = (file: string) => (existsSync(file) ? false : `this machine has no ${file}`);
const pylxd = lacks('/usr/lib/python3/dist-packages/pylxd');
const ansible = lacks('/usr/bin/ansible-playbook');

describe('other clients of LXD', { timeout: 300_000 }, () => {
  let harness: Harness;
  let folder: string;
  let env: Record<string, string>;
  before(async () => {
    harness = await openHarness('clients');
    folder = join(harness.cluster.dir, 'other-clients');
    mkdirSync(folder);
    await harness.berth(['config', 'set', 'core.trust_password', PASSWORD]);
    const { environment } = JSON.parse((await harness.berth(['query', '/1.0'])).stdout);
    writeFileSync(join(folder, 'server.crt'), environment.certificate);
    write(await makeSelfSigned('client'));
    // Python's clients look for these before they look at what they are told.
    const server = join(folder, 'server.crt');
    env = {
      SSL_CERT_FILE: server,
      REQUESTS_CA_BUNDLE: server,
      CURL_CA_BUNDLE: server,
      HOME: folder,
      ANSIBLE_HOME: join(folder, 'ansible'),
      ANSIBLE_NOCOLOR: '1',
      LXD_DIR: join(harness.cluster.dir, 'controller'),
      LXD_CONF: join(folder, 'lxc'),
    };
  });
  after(() => harness?.close());

  const write = ({ cert, key }: Identity) => {
    writeFileSync(join(folder, 'client.crt'), cert);
    writeFileSync(join(folder, 'client.key'), key, { mode: 0o600 });
  };
  const at = (program: string, ...args: string[]): Promise<Outcome> =>
    run(program, args, { env, cwd: folder, timeoutMs: 120_000, allowFailure: true });

  it('pylxd: trust, images, containers, exec, files, snapshots, profiles, cluster', { skip: pylxd }, async () => {
    const script = join(CLIENTS, 'pylxd-check.py');
    // The same image, and yet another one: its archive is not compressed.
    writeFileSync(join(folder, 'image.tar'), gunzipSync(readFileSync(harness.image)));
    const args = ['-W', 'ignore', script, harness.cluster.url, 'server.crt', 'image.tar', PASSWORD];
    const { code, stdout, stderr } = await at(PYTHON, ...args);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^\d\d checks$/m);
  });

  const play = async (book: string): Promise<Readonly<Record<string, number>>> => {
    const vars = {
      url: harness.cluster.url,
      key: join(folder, 'client.key'),
      cert: join(folder, 'client.crt'),
      password: PASSWORD,
      ansible_python_interpreter: PYTHON,
    };
    const args = ['-i', 'localhost,', '-e', JSON.stringify(vars), join(CLIENTS, book)];
    const { code, stdout, stderr } = await at('ansible-playbook', ...args);
    assert.equal(code, 0, stdout + stderr);
    return Object.fromEntries(
      [...stdout.matchAll(/(ok|changed|failed)=(\d+)/g)].map(([, word, n]) => [word!, Number(n)]),
    );
  };

  it('Ansible: profiles, containers and projects, changed by the first run and not by the second', {
    skip: ansible,
  }, async () => {
    write(await makeSelfSigned('ansible')); // not yet trusted: the playbook brings the password
    assert.equal((await play('containers.yml')).changed, 6);
    assert.equal((await play('containers.yml')).changed, 0);
    const list = (await harness.lxc(['list', '--format', 'csv', '-c', 'nsL'])).stdout;
    assert.match(list, /^ans1,RUNNING,n\d$/m);
    assert.match(list, /^ans2,STOPPED,n2$/m);
  });

  it('Ansible: the inventory plug-in finds the containers, the connection plug-in enters them', {
    skip: ansible,
  }, async () => {
    const inventory = join(folder, 'berth.lxd.yml');
    writeFileSync(
      inventory,
      `plugin: community.general.lxd\nurl: unix:${harness.cluster.socketPath}\nstate: RUNNING\n`,
    );
    const found = await at('ansible-inventory', '-i', inventory, '--list');
    assert.match(found.stdout, /"ans1"/, found.stderr);
    const inside = await at('ansible-playbook', '-i', 'ans1,', join(CLIENTS, 'inside.yml'));
    assert.equal(inside.code, 0, inside.stdout + inside.stderr);
  });

  it('Ansible: removes them again, once', { skip: ansible }, async () => {
    assert.equal((await play('remove.yml')).changed, 4);
    assert.equal((await play('remove.yml')).changed, 0);
  });

  it("Juju: its provider's calls, from the credential to the removed machine", async () => {
    const [image] = JSON.parse((await harness.berth(['query', '/1.0/images?recursion=1'])).stdout);
    const client = await makeSelfSigned('juju');
    const calls = await replayJuju({ url: harness.cluster.url, client, password: PASSWORD, image: image.fingerprint });
    assert.ok(calls > 30);
  });
});

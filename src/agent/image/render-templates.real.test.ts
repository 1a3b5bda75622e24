import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { ImageTemplate } from '../../domain/image-metadata.ts';
import { run } from '../command.ts';
import { DEFAULT_ID_MAP } from '../storage/id-map.ts';
import { scratchFolder } from '../storage/testing/scratch-pool.ts';
import { renderTemplates } from './render-templates.ts';

const subject = {
  name: 'c1',
  architecture: 'x86_64',
  privileged: false,
  ephemeral: false,
  config: { 'user.user-data': '#cloud-config\n' },
  devices: {},
};

/** An image with one template per target path; all of them fire on create. */
function image(targets: Readonly<Record<string, string>>, rest: Partial<ImageTemplate> = {}) {
  const entries = Object.entries(targets).map(([path, text], i) => ({ path, text, file: `t${i}` }));
  const template = { when: ['create' as const], createOnly: false, properties: { default: 'none' }, ...rest };
  return {
    metadata: {
      architecture: 'x86_64',
      createdAt: 1,
      expiresAt: 0,
      properties: {},
      templates: Object.fromEntries(
        entries.map(({ path, file }) => [path, { ...template, when: [...template.when], file }]),
      ),
    },
    templates: Object.fromEntries(entries.map(({ file, text }) => [file, text])),
  };
}

const render = (root: string, made: ReturnType<typeof image>, trigger: 'create' | 'start' = 'create') =>
  renderTemplates(made, trigger, subject, root, DEFAULT_ID_MAP);

test('writes the files of its trigger, with their folders, owned by the root of the instance', async t => {
  const root = await scratchFolder(t);
  const made = image({
    '/etc/hostname': '{{ container.name }}\n',
    '/var/lib/cloud/seed/user-data':
      '{{ config_get("user.user-data", properties.default) }}|{{ config_get("x", properties.default) }}',
  });
  await render(root, made, 'start');
  assert.deepEqual(await readdir(root), []);
  await render(root, made);
  assert.equal(await readFile(join(root, 'etc/hostname'), 'utf8'), 'c1\n');
  assert.equal(await readFile(join(root, 'var/lib/cloud/seed/user-data'), 'utf8'), '#cloud-config|none');
  for (const [path, mode] of [
    ['etc/hostname', 0o644],
    ['var/lib/cloud', 0o755],
  ] as const) {
    const made = await stat(join(root, path));
    assert.deepEqual([made.uid, made.gid, made.mode & 0o7777], [1_000_000, 1_000_000, mode], path);
  }
});

test('leaves a file alone that is there, when it is told to', async t => {
  const root = await scratchFolder(t);
  await writeFile(join(root, 'here'), 'old');
  await render(root, image({ '/here': 'new' }, { createOnly: true }));
  assert.equal(await readFile(join(root, 'here'), 'utf8'), 'old');
  await render(root, image({ '/here': 'new' }));
  assert.equal(await readFile(join(root, 'here'), 'utf8'), 'new');
});

test('follows links as the instance would see them, and never out of its root', async t => {
  const outside = await scratchFolder(t);
  const root = await scratchFolder(t);
  await mkdir(join(root, 'run'));
  await mkdir(join(root, 'var'));
  await symlink('/run', join(root, 'var/run'));
  await symlink(outside, join(root, 'escape'));
  await symlink(join(outside, 'file'), join(root, 'file'));
  await symlink('../../../../..', join(root, 'up'));
  await render(
    root,
    image({ '/var/run/a': 'a', '/escape/b': 'b', '/file': 'c', [`/up${outside}/d`]: 'd', '/../../e': 'e' }),
  );
  assert.deepEqual(await readdir(outside), []);
  assert.equal(await readFile(join(root, 'run/a'), 'utf8'), 'a');
  assert.equal(await readFile(join(root, outside, 'b'), 'utf8'), 'b');
  assert.equal(await readFile(join(root, outside, 'd'), 'utf8'), 'd');
  assert.equal(await readFile(join(root, 'e'), 'utf8'), 'e');
});

test('refuses what is no file, links in a circle, and a template with an error, in words', async t => {
  const root = await scratchFolder(t);
  await run('mkfifo', [join(root, 'pipe')]);
  await symlink('b', join(root, 'a'));
  await symlink('a', join(root, 'b'));
  await writeFile(join(root, 'file'), '');
  await assert.rejects(render(root, image({ '/pipe': 'x' })), {
    code: 'invalid',
    message: /cannot be written to \/pipe/,
  });
  await assert.rejects(render(root, image({ '/a': 'x' })), { code: 'invalid', message: /too many links/ });
  await assert.rejects(render(root, image({ '/file/x': 'x' })), { code: 'invalid', message: /cannot be written/ });
  await assert.rejects(render(root, image({ '/ok': '{{' })), {
    code: 'invalid',
    message: /Template "t0" of the image: line 1/,
  });
});

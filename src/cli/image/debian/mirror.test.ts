import assert from 'node:assert/strict';
import { test } from 'node:test';
import { debianMirrors } from './mirror.ts';

const FIELDS = `Types: deb deb-src
# a comment
URIs: http://mirror.example/debian
 http://other.example/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components: main
`;

test('the first Debian archive and its security fixes, in either form', () => {
  const found = { main: 'http://mirror.example/debian', security: 'http://mirror.example/debian-security' };
  assert.deepEqual(debianMirrors([FIELDS]), found);
  const lines = [
    '# deb http://old.example/debian bookworm main',
    'deb-src http://src.example/debian bookworm main',
    'deb [arch=amd64 signed-by=/x.gpg] http://mirror.example/debian trixie main contrib # here',
    'deb http://mirror.example/debian-security trixie-security main',
  ];
  assert.deepEqual(debianMirrors([lines.join('\n')]), found);
});

test('archives of others, of sources only and switched off ones are passed over', () => {
  const others = [
    'deb https://docker.example/linux/debian bookworm stable',
    'deb https://cloud.example/apt cloud-sdk-bookworm main',
    'deb cdrom:[Debian]/ bookworm main',
    FIELDS.replace('Types: deb deb-src', 'Enabled: no\nTypes: deb').replace('Types: deb\nURIs', 'Types: deb-src\nURIs'),
    'Types: deb\nURIs: https://node.example/20.x\nSuites: nodistro\nComponents: main\n',
  ];
  assert.deepEqual(debianMirrors(others), { security: undefined });
});

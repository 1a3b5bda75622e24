/**
 * Builds an image from Debian's archive with debootstrap and apt. All of it runs in mount and process namespaces of its
 * own, and in a temporary folder: whatever happens, nothing of it is mounted, running or lying about afterwards.
 */
import { existsSync } from 'node:fs';
import { glob, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError, fail } from '../../../domain/errors.ts';
import { runWatched } from '../../child.ts';
import { renderYaml } from '../../render/yaml.ts';
import {
  aptSources,
  type DebianOrder,
  descriptionOf,
  type Files,
  filesOf,
  LEAVE_OUT,
  LINKS,
  NO_SERVICES,
  packagesOf,
} from './recipe.ts';

export interface BuildWatch {
  /** A step begins. */
  readonly onStep: (what: string) => void;
  /** What the tools say meanwhile, line by line. */
  readonly onLine: (line: string) => void;
  readonly signal?: AbortSignal;
}

/**
 * Writes LXD's unified image to `file`, packed with zstd. Needs root.
 * @throws AppError `forbidden`, `unsupported` (a tool is missing), `unavailable` with what the tools said, `cancelled`
 */
export async function buildDebianImage(order: DebianOrder, file: string, watch: BuildWatch): Promise<void> {
  if (process.getuid?.() !== 0) fail('forbidden', 'Building an image needs root: it installs packages into a folder');
  const folder = await mkdtemp(join(tmpdir(), 'berth-image-'));
  const root = join(folder, 'rootfs');
  try {
    watch.onStep(`Installing Debian ${order.release} from ${order.mirrors.main}`);
    await debootstrap(order, root, watch);
    await writeFiles(root, aptSources(order));
    await writeFiles(root, NO_SERVICES, 0o755);
    watch.onStep('Installing packages and updates');
    await apt(root, ['update'], watch);
    await apt(root, ['dist-upgrade'], watch);
    await apt(root, ['install', ...packagesOf(order)], watch);
    watch.onStep('Cleaning up and packing');
    await finish(order, root);
    await describe(order, folder);
    await pack(folder, file, watch);
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'unavailable') throw error;
    throw new AppError(error.code, `The image could not be built:\n${error.message}`, error);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function debootstrap({ release, mirrors }: DebianOrder, root: string, watch: BuildWatch): Promise<void> {
  const https = mirrors.main.startsWith('https:') ? ['--include=ca-certificates'] : []; // for the apt inside
  const words = ['--variant=minbase', '--force-check-gpg', ...https, release, root, mirrors.main];
  return apart(['--mount-proc', 'debootstrap', ...words], watch);
}

function apt(root: string, words: readonly string[], watch: BuildWatch): Promise<void> {
  return apart([`--mount-proc=${join(root, 'proc')}`, 'chroot', root, 'apt-get', ...APT, ...words], watch);
}

/** Mounts and processes end with the tool, also when it is killed. */
function apart(words: readonly string[], watch: BuildWatch): Promise<void> {
  return runWatched('unshare', ['--mount', '--pid', '--fork', '--kill-child', ...words], {
    ...watch,
    env: ENVIRONMENT,
  });
}

const APT = [
  '--quiet',
  '--yes',
  '--no-install-recommends',
  '-o',
  'Dpkg::Use-Pty=0',
  '-o',
  'DPkg::Options::=--force-unsafe-io',
];
const ENVIRONMENT = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LC_ALL: 'C.UTF-8',
  DEBIAN_FRONTEND: 'noninteractive',
};

async function finish(order: DebianOrder, root: string): Promise<void> {
  for await (const path of glob([...LEAVE_OUT], { cwd: root })) await rm(join(root, path), { recursive: true });
  await writeFiles(
    root,
    filesOf(order, path => existsSync(join(root, path))),
  );
  for (const [path, target] of Object.entries(LINKS[order.variant])) {
    await rm(join(root, path), { force: true });
    await symlink(target, join(root, path));
  }
}

async function describe(order: DebianOrder, folder: string): Promise<void> {
  const architecture = ARCHITECTURES[process.arch] ?? process.arch;
  const { metadata, templates } = descriptionOf(order, architecture, Math.floor(Date.now() / 1000));
  await writeFiles(folder, { 'metadata.yaml': await renderYaml(metadata) });
  await writeFiles(join(folder, 'templates'), templates);
}

const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'x86_64', arm64: 'aarch64' };

async function pack(folder: string, file: string, watch: BuildWatch): Promise<void> {
  const part = `${file}.part`;
  const all = ['--xattrs', '--xattrs-include=*', '--acls', '--numeric-owner'];
  try {
    const words = ['-C', folder, '--zstd', '-cf', part, ...all, '--exclude=rootfs/dev/*'];
    await runWatched('tar', [...words, 'metadata.yaml', 'templates', 'rootfs'], { ...watch, env: ENVIRONMENT });
    await rename(part, file);
  } finally {
    await rm(part, { force: true });
  }
}

/** Whatever is there under that name goes first: a link in the tree may lead out of it. */
async function writeFiles(root: string, files: Files, mode = 0o644): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    const target = join(root, path);
    await mkdir(dirname(target), { recursive: true });
    await rm(target, { force: true });
    await writeFile(target, text, { mode, flag: 'wx' });
  }
}

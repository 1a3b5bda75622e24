/** A local cluster of three hosts: btrfs, a network card for each instance. */
import { join, resolve } from 'node:path';
import { openApi } from '../../deploy/local-cluster/api.ts';
import { startCluster } from '../../deploy/local-cluster/start-cluster.ts';
import { run } from '../../src/agent/command.ts';
import type { Subject } from './subject.ts';

const ROOT = resolve(import.meta.dirname, '../..');

/** With `image`, an archive, as alias `alias` on every host. */
export async function startBerth(
  dir: string,
  image: string,
  alias: string,
  say: (line: string) => void,
): Promise<Subject> {
  const cluster = await startCluster({ dir, say });
  const interrupt = () => void cluster.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const api = openApi(cluster.socketPath);
  // A remote that this machine's user has switched to must not be what is measured.
  const env = { BERTH_SOCKET: cluster.socketPath, BERTH_CONF: join(dir, 'config.yml') };
  const cli = (...words: readonly string[]) => run(join(ROOT, 'bin/berth'), words, { env });
  const close = async () => {
    api.close();
    await cluster.stop();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  };
  try {
    await cli('image', 'import', image, '--alias', alias);
    say('one launch on each host, so that the image is everywhere');
    for (const host of cluster.hosts) {
      await cli('launch', alias, 'warm', '--target', host.name);
      await cli('delete', '-f', 'warm');
    }
  } catch (error) {
    await close();
    throw error;
  }
  const lxdDir = join(cluster.socketPath, '..');
  const lxcEnv = { LXD_DIR: lxdDir, LXD_CONF: join(dir, 'lxc'), HOME: dir };
  const { controller, agents } = cluster.state;
  return {
    name: 'Berth',
    socketPath: cluster.socketPath,
    api,
    cli,
    lxc: (...words) => run('lxc', words, { env: lxcEnv }),
    processes: {
      'the controller': controller === undefined ? [] : [controller.pid],
      'an agent': Object.values(agents).map(({ pid }) => pid),
    },
    close,
  };
}

/** A real LXD 5.0.2 (Debian's package `lxd`) on this machine: one daemon, btrfs, a bridge. */
import { join } from 'node:path';
import { openApi } from '../../deploy/local-cluster/api.ts';
import { run } from '../../src/agent/command.ts';
import { startLxd } from '../../test/compare/real-lxd.ts';
import type { Subject } from './subject.ts';

/** @throws AppError `unsupported` when the package is missing. */
export async function startRealLxd(dir: string, image: string, alias: string): Promise<Subject> {
  const lxd = await startLxd(dir);
  const interrupt = () => void lxd.close().finally(() => process.exit(130));
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const env = { LXD_DIR: lxd.dir, LXD_CONF: join(lxd.dir, 'conf'), HOME: lxd.dir };
  const lxc = (...words: readonly string[]) => run('lxc', words, { env });
  const api = openApi(lxd.socketPath);
  const close = async () => {
    api.close();
    await lxd.close();
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  };
  try {
    await lxc('storage', 'create', 'default', 'btrfs', 'size=8GiB');
    await lxc('network', 'create', 'lxdbr0', 'ipv4.address=198.19.77.1/16', 'ipv4.nat=false', 'ipv6.address=none');
    await lxc('profile', 'device', 'add', 'default', 'root', 'disk', 'path=/', 'pool=default');
    await lxc('profile', 'device', 'add', 'default', 'eth0', 'nic', 'network=lxdbr0', 'name=eth0');
    await lxc('image', 'import', image, '--alias', alias);
    await lxc('launch', alias, 'warm');
    await lxc('delete', '-f', 'warm');
  } catch (error) {
    await close();
    throw error;
  }
  return {
    name: 'LXD 5.0.2',
    socketPath: lxd.socketPath,
    api,
    lxc,
    cli: lxc,
    processes: { 'the daemon': [lxd.pid] },
    close,
  };
}

/** CRIU's daemon of a post-copy, in a wrapper that kills what was restored when the daemon fails. */
import { existsSync, readFileSync, watch } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, start } from '../../command.ts';
import { checkpointEnvironment, SCRIPTS } from '../../criu/locate.ts';
import { errorsIn } from '../../criu/log.ts';
import { imagesIn } from '../folder.ts';

export interface LazyDaemon {
  /** It takes the connection of the restore now. */
  readonly listening: Promise<void>;
  /** Resolves with undefined when all pages were delivered, else with why it failed. */
  readonly ended: Promise<string | undefined>;
  /** Of the daemon itself; undefined when there is none. */
  pid(): number | undefined;
  kill(): void;
}

const SOCKET = 'lazy-pages.socket';
const LOG = 'lazy-pages.log';

/** @param port of the page server on this host's loopback */
export function startLazyDaemon(folder: string, criu: string, port: number): LazyDaemon {
  const images = imagesIn(folder);
  const server = ['--page-server', '--address', '127.0.0.1', '--port', `${port}`];
  const env = checkpointEnvironment(criu, folder);
  const args = [...server, '-D', images, '-W', images, '-o', join(images, LOG)];
  const wrapper = start(join(SCRIPTS, 'lazy-pages'), args, { env, stdio: 'ignore' });
  const ended = wrapper.exited.then(
    async ({ code }) => {
      if (code === 0) return undefined;
      // Once more, for the wrapper may have been killed with it.
      await run(join(SCRIPTS, 'kill-restored'), [], { env, allowFailure: true });
      return (await whyItFailed(images)) || `ended with ${code}`;
    },
    (error: Error) => error.message,
  );
  return {
    listening: untilThere(images, SOCKET),
    ended,
    pid: () => childOf(wrapper.pid),
    kill: () => wrapper.kill('SIGKILL'),
  };
}

async function whyItFailed(images: string): Promise<string> {
  return errorsIn(await readFile(join(images, LOG), 'utf8').catch(() => '')).join('; ');
}

function childOf(pid: number): number | undefined {
  try {
    const [child] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ');
    return child ? Number(child) : undefined;
  } catch {
    return undefined;
  }
}

function untilThere(folder: string, name: string): Promise<void> {
  return new Promise(resolve => {
    const watcher = watch(folder, () => look());
    const look = () => {
      if (!existsSync(join(folder, name))) return;
      watcher.close();
      resolve();
    };
    look();
  });
}

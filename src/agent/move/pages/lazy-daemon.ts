/** CRIU's daemon of a post-copy, in a wrapper that kills what was restored when the daemon fails. */
import { readFileSync } from 'node:fs';
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
  /** And what was restored. */
  kill(): Promise<void>;
}

const LOG = 'lazy-pages.log';

/** @param port of the page server on this host's loopback */
export function startLazyDaemon(folder: string, criu: string, port: number): LazyDaemon {
  const images = imagesIn(folder);
  const server = ['--page-server', '--address', '127.0.0.1', '--port', `${port}`];
  const env = checkpointEnvironment(criu, folder);
  const args = [...server, '-D', images, '-W', images, '-o', join(images, LOG), '--status-fd', '1'];
  const wrapper = start(join(SCRIPTS, 'lazy-pages'), args, { env, stdio: ['ignore', 'pipe', 'ignore'] });
  const killRestored = () => run(join(SCRIPTS, 'kill-restored'), [], { env, allowFailure: true });
  const ended = wrapper.exited.then(
    async ({ code }) => {
      if (code === 0) return undefined;
      await killRestored(); // once more, for the wrapper may have been killed with it
      return (await whyItFailed(images)) || `criu lazy-pages ended with ${code}`;
    },
    (error: Error) => error.message,
  );
  return {
    listening: new Promise(resolve => wrapper.stdout.once('data', () => resolve())),
    ended,
    pid: () => childOf(wrapper.pid),
    async kill() {
      wrapper.kill('SIGKILL');
      await killRestored();
    },
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

/** Opens a guest's root for one session of file access: a helper of the guest's own rights, see `jail/main.ts`. */
import { closeSync, constants, openSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { fail } from '../../domain/errors.ts';
import { nodeEnvironment, type Running, start } from '../command.ts';
import type { Host } from '../host.ts';
import { idMapOf } from '../instance-files.ts';
import type { Ref } from '../spec.ts';
import { within } from '../storage/id-map.ts';
import { instanceVolume } from '../storage/volume.ts';

const HELPER = fileURLToPath(new URL('./jail/main.ts', import.meta.url));
const READY = '+'.charCodeAt(0);
const READY_MS = 20_000;
const O_PATH = 0o10000000;
const MAX_SESSIONS = 32;

/** What it needs to act on files of any owner, and to shut itself in. */
const CAPABILITIES = ['chown', 'dac_override', 'fowner', 'fsetid', 'sys_chroot'].map(name => `+${name}`);

export interface FileDoors {
  /** Its streams speak SFTP. @throws AppError `busy` while it moves, `not-found` */
  open(host: Host, ref: Ref): Promise<Running>;
  /** Ends the sessions on this instance: what they see is not its root any more, or must not change. */
  end(id: string): Promise<void>;
}

export function fileDoors(): FileDoors {
  const open = new Map<string, Set<Running>>();
  return {
    async open(host, ref) {
      const { id } = ref;
      const running = await host.locks.run(id, async () => {
        if (host.isMoving(id)) fail('busy', 'Instance is being moved: its files can be reached again afterwards');
        const mine = open.get(id) ?? new Set<Running>();
        if (mine.size >= MAX_SESSIONS) fail('busy', `Instance has ${MAX_SESSIONS} sessions of file access already`);
        const helper = await startHelper(host, ref);
        open.set(id, mine.add(helper));
        const forget = () => {
          mine.delete(helper);
          if (mine.size === 0) open.delete(id);
        };
        helper.exited.then(forget, forget);
        return helper;
      });
      await ready(running);
      return running;
    },
    async end(id) {
      const mine = [...(open.get(id) ?? [])];
      for (const running of mine) running.kill('SIGKILL');
      await Promise.all(mine.map(({ exited }) => exited.catch(() => {})));
    },
  };
}

async function startHelper(host: Host, ref: Ref): Promise<Running> {
  const { spec, pool } = host.ledger.expect(ref);
  const { pid } = host.runtime.look(spec.id);
  // Of one that runs as it sees it itself, with all that is mounted there.
  const path = pid === 0 ? await host.pools.get(pool).activate(instanceVolume(spec.id)) : `/proc/${pid}/root`;
  const root = openSync(path, O_PATH | constants.O_DIRECTORY);
  try {
    if (pid !== 0 && host.runtime.look(spec.id).pid !== pid) fail('conflict', 'Instance stopped meanwhile: try again');
    const bounds = `--bounding-set=-all,${CAPABILITIES.join(',')}`;
    const helper = ['--no-new-privs', bounds, '--inh-caps=-all', '--', process.execPath, HELPER];
    const [file, args] = within(idMapOf(host, spec), ['setpriv', helper]);
    return start(file, args, { env: nodeEnvironment(), stdio: ['pipe', 'pipe', 'pipe', root] });
  } finally {
    closeSync(root);
  }
}

/** It says one byte when it is shut in; what comes after that is SFTP. */
async function ready(helper: Running): Promise<void> {
  let said = '';
  helper.stderr.on('data', (chunk: Buffer) => {
    said = `${said}${chunk}`.slice(-2000);
  });
  helper.stdin.on('error', () => {});
  const first = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('it does not answer')), READY_MS);
    const over = () => clearTimeout(timer);
    helper.exited.then(() => reject(new Error(said.trim() || 'it ended')), reject).finally(over);
    helper.stdout.once('readable', () => {
      over();
      const byte = helper.stdout.read(1) as Buffer | null;
      if (byte?.[0] === READY) resolve();
      else reject(new Error(said.trim() || 'it ended'));
    });
  });
  await first.catch(error => {
    helper.kill('SIGKILL');
    fail('internal', `The files of the instance cannot be reached: ${(error as Error).message}`, error);
  });
}

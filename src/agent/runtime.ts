/**
 * The port to what really runs containers, so that a fake can stand in for it. Verbs are about one container by id; the
 * caller holds its lock. Each returns when what it says is true, and saying it twice is saying it once.
 */
import type { Seen } from './lxc/look.ts';

export interface Runtime {
  /** The folder of the instance's configuration, plug script and log; made if missing. */
  folder(id: string): Promise<string>;
  /** Starts what `folder(id)`/config describes. @throws AppError with what LXC's log says; nothing is left running */
  start(id: string, name: string): Promise<Seen>;
  /** Asks init to shut down. @throws AppError `deadline` when it still runs after `timeoutMs`; it is left alone then */
  shutdown(id: string, haltSignal: string, timeoutMs: number): Promise<void>;
  /** Ends it at once, whatever state it is in; also clears what a crash left behind. */
  kill(id: string): Promise<void>;
  freeze(id: string): Promise<void>;
  thaw(id: string): Promise<void>;
  /** Cheap; starts no process. */
  look(id: string): Seen;
  /** The same, cheaper still, for one whose last state is known. */
  lookAgain(id: string, before: Seen): Seen;
  /** All that have something in the kernel, ours or not. */
  ids(): readonly string[];
  /** The last lines of LXC's log. */
  log(id: string): Promise<string>;
  /** Removes its folder and cgroups; it must be stopped. */
  remove(id: string): Promise<void>;
}

/** Why a container did not start, in words: the lines of LXC's log that say something, and advice where we know it. */
import { AppError } from '../../domain/errors.ts';

/** Said on every failure, whatever the reason; what the plug script complained of says more than that it failed. */
const EMPTY = [
  /^The container failed to start/,
  /^To get more details/,
  /^Additional information can be obtained/,
  /^Failed to spawn container/,
  /^Received container state "ABORTING"/,
  /^Failed to setup (container|rootfs)/,
  /^No such file or directory - Failed to receive the container state/,
  /^An error occurred in another process/,
  /^Failed to handle lxc\.signal|^Failed to initialize container/,
];

const ADVICE: readonly (readonly [pattern: RegExp, advice: string])[] = [
  [/Failed to (exec|run) .*\/sbin\/init|No such file or directory - Failed to exec/, 'the image has no /sbin/init'],
  [
    /Failed to run lxc\.hook\.start-host|Script exited with status/,
    'its network could not be set up: does the bridge exist?',
  ],
  [/newuidmap|Failed to set up id mapping|mapping/, 'root needs the id range of idmap in /etc/subuid and /etc/subgid'],
  [
    /Permission denied.*rootfs|Failed to (mount|access) rootfs/,
    'every folder above the root must allow others to pass (chmod o+x)',
  ],
  [/Failed to mount.*lxcfs|proc\/(meminfo|stat)/, 'lxcfs does not answer: restart it'],
  [/No space left on device/, 'a disk or the cgroup is full'],
];

/** @param plugErrors what the plug script wrote to its errors file */
export function startError(name: string, log: string, plugErrors: string): AppError {
  const reasons = [...plugErrors.split('\n').filter(Boolean), ...meaningfulLines(log)];
  const advice = ADVICE.find(([pattern]) => reasons.some(reason => pattern.test(reason)))?.[1];
  const why = reasons.length === 0 ? 'LXC gave no reason' : reasons.slice(0, 3).join('; ');
  return new AppError('internal', `instance ${name} did not start: ${why}${advice ? ` (${advice})` : ''}`, log);
}

/** The messages of ERROR lines, without what is always said and without repetitions. */
export function meaningfulLines(log: string): readonly string[] {
  const messages = log.split('\n').flatMap(line => /\sERROR\s+\S+ - \S+:\d+ - (.*)$/.exec(line)?.[1] ?? []);
  return [...new Set(messages)].filter(message => !EMPTY.some(pattern => pattern.test(message)));
}

/** What `limits.kernel.*`, `linux.*` and `security.syscalls.*` may hold. */
import { type ValueCheck, wrong } from './values.ts';

/** Names of setrlimit(2) as LXC and LXD write them. */
const LIMITS =
  'as core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(' ');

/** "1024", "soft:hard", each a number or "unlimited". */
export const kernelLimit: ValueCheck = (key, value) => {
  const name = key.slice('limits.kernel.'.length);
  if (!LIMITS.includes(name)) wrong(key, value, `cannot be: there is no limit "${name}" (known: ${LIMITS.join(', ')})`);
  const parts = value.split(':');
  const known = parts.length <= 2 && parts.every(part => /^(\d{1,19}|unlimited)$/.test(part));
  if (!known) wrong(key, value, 'is neither a number, "unlimited", nor soft:hard');
  const [soft, hard = soft] = parts.map(part => (part === 'unlimited' ? Number.POSITIVE_INFINITY : Number(part)));
  if (soft! > hard!) wrong(key, value, 'has a soft limit above the hard one');
};

export const kernelModules: ValueCheck = (key, value) => {
  for (const name of value.split(','))
    if (!/^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(name.trim())) wrong(key, value, 'is not a list of modules: a,b');
};

/**
 * What a container has for itself: its network's and those of its IPC namespace. Others are the host's.
 */
const IPC = /^(kernel\.(shmmax|shmall|shmmni|shm_rmid_forced|msgmax|msgmnb|msgmni|sem)|fs\.mqueue\.[a-z_]+)$/;
const NETWORK = /^net(\.[A-Za-z0-9_-]+)+$/;

export const sysctl: ValueCheck = (key, value) => {
  const name = key.slice('linux.sysctl.'.length);
  if (!NETWORK.test(name) && !IPC.test(name))
    wrong(
      key,
      value,
      'cannot be: a container has only net.*, kernel.shm*, kernel.msg*, kernel.sem and fs.mqueue.* of its own',
    );
  if (!/^[\x20-\x7e\t]+$/.test(value)) wrong(key, value, 'is not one line of text');
};

/** One call a line, in LXC's language: `keyctl`, `keyctl errno 38`, `unshare errno 1 [0,64,SCMP_CMP_MASKED_EQ,64]`. */
const CALL = /^[a-z_][a-z0-9_]*( (errno \d{1,4}|kill|trap|allow))?( \[[0-9a-zA-Z_,]+\])*$/;

export const syscallList: ValueCheck = (key, value) => {
  const bad = value.split('\n').find(line => line.trim() !== '' && !CALL.test(line.trim()));
  if (bad !== undefined) wrong(key, value, `has a line that is no system call: "${bad}"`);
};

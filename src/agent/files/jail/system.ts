/**
 * The system calls with which the helper shuts itself into a root and opens files there. Loaded before the door closes:
 * afterwards nothing may be loaded, for whatever lies behind it belongs to the guest.
 */
import { closeSync, constants, fstatSync, openSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';

const AT_FDCWD = -100;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;

/** File systems that are the kernel speaking, by `f_type`: proc, sysfs, cgroup 1 and 2, debugfs, tracefs, securityfs, bpf, efivarfs, configfs, selinuxfs, pstore. */
const KERNEL_FILES = new Set([
  0x9fa0, 0x62656572, 0x27e0eb, 0x63677270, 0x64626720, 0x74726163, 0x73636673, 0xcafe4a11, 0xde5e81e4, 0x62656570,
  0xf97cff8c, 0x6165676c,
]);

export interface Jail {
  /**
   * Opens a regular file, whatever the guest does with its name meanwhile. Nothing else is ever opened: a fifo would
   * hang, a device would act. What is found is held by O_PATH, looked at, and only then opened, by the held descriptor.
   */
  open(path: Buffer, flags: number, mode: number): number;
}

/** @param rootFd of the folder that is "/" from now on */
export function enterJail(rootFd: number): Jail {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
  const libc = koffi.load('libc.so.6');
  const fchdir = libc.func('int fchdir(int fd)');
  const chroot = libc.func('int chroot(const char *path)');
  const openat = libc.func('int openat(int folder, const void *path, int flags, unsigned int mode)');
  const fstatfs = libc.func('int fstatfs(int fd, _Out_ uint8_t *buffer)');
  const failed = (what: string): never => {
    const code = getSystemErrorName(-koffi.errno());
    throw Object.assign(new Error(`${code}: ${what}`), { code });
  };
  const descriptors = openSync('/proc/self/fd', O_PATH | constants.O_DIRECTORY);
  if (fchdir(rootFd) !== 0 || chroot('.') !== 0) failed('the root cannot be entered');

  const open = (folder: number, path: Buffer | string, flags: number, mode = 0): number => {
    const text = Buffer.concat([typeof path === 'string' ? Buffer.from(path) : path, Buffer.of(0)]);
    const fd = openat(folder, text, flags | O_CLOEXEC, mode) as number;
    return fd >= 0 ? fd : failed('open');
  };
  const isKernel = (fd: number): boolean => {
    const buffer = Buffer.alloc(256);
    if (fstatfs(fd, buffer) !== 0) failed('statfs');
    return KERNEL_FILES.has(Number(buffer.readBigUInt64LE() & 0xffff_ffffn));
  };
  const found = (path: Buffer): number | undefined => {
    try {
      return open(AT_FDCWD, path, O_PATH);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
  };
  const reopen = (held: number, flags: number): number => {
    const stat = fstatSync(held);
    if (stat.isDirectory()) throw refusal('EISDIR', 'it is a directory');
    if (!stat.isFile()) throw refusal('EINVAL', 'it is not a regular file');
    if (isKernel(held)) throw refusal('EINVAL', 'it is a file of the kernel: use exec');
    if (flags & constants.O_EXCL) throw refusal('EEXIST', 'it exists already');
    return open(descriptors, String(held), (flags & ~constants.O_CREAT) | constants.O_NONBLOCK);
  };

  return {
    open(path, flags, mode) {
      let at = path;
      for (let tries = 0; tries < 40; tries += 1) {
        const held = found(at);
        if (held !== undefined) {
          try {
            return reopen(held, flags);
          } finally {
            closeSync(held);
          }
        }
        if (!(flags & constants.O_CREAT)) throw refusal('ENOENT', 'no such file or directory');
        try {
          return open(AT_FDCWD, at, flags | constants.O_EXCL | constants.O_NONBLOCK, mode);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
          at = behindLink(at); // a link to nothing, or somebody was quicker
        }
      }
      throw refusal('ELOOP', 'too many links, or it does not stand still');
    },
  };
}

/** Where a link points, for a link to nothing; everything else stays. */
function behindLink(path: Buffer): Buffer {
  let target: Buffer;
  try {
    target = readlinkSync(path, 'buffer');
  } catch {
    return path;
  }
  if (target[0] === 0x2f) return target;
  const slash = path.lastIndexOf(0x2f);
  return Buffer.concat([slash < 0 ? Buffer.from('./') : path.subarray(0, slash + 1), target]);
}

function refusal(code: string, what: string): Error {
  return Object.assign(new Error(`${code}: ${what}`), { code });
}

/** The few system calls that Node does not offer, through koffi; loaded when first needed. */
import { closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fail } from '../domain/errors.ts';

type Words = Int32Array | Uint16Array | Uint32Array;

interface Ioctl {
  (fd: number, request: number, argument: Words): number;
  async(fd: number, request: number, argument: Buffer, done: (error: unknown, result: number) => void): void;
}

interface Libc {
  readonly ioctl: Ioctl;
  pipe2(ends: Int32Array, flags: number): number;
  close_range(first: number, last: number, flags: number): number;
  syscall(number: number, ...five: readonly [number, number, number, number, number]): number;
}

const O_CLOEXEC = 0o2000000;
const CLOSE_RANGE_CLOEXEC = 4;
/** The same on all architectures. */
const PIDFD_OPEN = 434;
const PIDFD_GETFD = 438;
const KCMP = process.arch === 'x64' ? 312 : 272;
const KCMP_FILE = 0;

let loaded: Libc | undefined;

function libc(): Libc {
  if (loaded === undefined) {
    const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
    const library = koffi.load('libc.so.6');
    loaded = {
      ioctl: library.func('int ioctl(int fd, unsigned long request, _Inout_ void *argument)'),
      pipe2: library.func('int pipe2(_Out_ int *ends, int flags)'),
      close_range: library.func('int close_range(unsigned int first, unsigned int last, unsigned int flags)'),
      syscall: library.func('long syscall(long number, long a, long b, long c, long d, long e)'),
    };
  }
  return loaded;
}

/** @param argument read and written in place. @throws AppError if the kernel refuses */
export function ioctl(fd: number, request: number, argument: Words): void {
  if (libc().ioctl(fd, request, argument) !== 0) fail('internal', `ioctl ${request.toString(16)} was refused`);
}

/**
 * For one that may have to wait for a disk: done on another thread.
 * @param argument read and written in place
 * @returns whether the kernel did it
 */
export function ioctlAside(fd: number, request: number, argument: Buffer): Promise<boolean> {
  return new Promise((resolve, reject) =>
    libc().ioctl.async(fd, request, argument, (error, result) => (error ? reject(error) : resolve(result === 0))),
  );
}

/** A real pipe, both ends close-on-exec. Node's own "pipes" are socket pairs. */
export function makePipe(): { readonly readEnd: number; readonly writeEnd: number } {
  const ends = new Int32Array(2);
  if (libc().pipe2(ends, O_CLOEXEC) !== 0) fail('exhausted', 'no pipe could be made: too many open files?');
  return { readEnd: ends[0]!, writeEnd: ends[1]! };
}

/** Whatever this process inherited stays with it: what it starts gets only what it is given. */
export function keepDescriptorsToOurselves(): void {
  libc().close_range(3, 0xffff_ffff, CLOSE_RANGE_CLOEXEC); // a kernel before 5.11 refuses; nothing is lost then
}

/** A descriptor of another process as one of ours, for the same open file. @throws AppError if either is gone */
export function descriptorOf(pid: number, descriptor: number): number {
  const handle = libc().syscall(PIDFD_OPEN, pid, 0, 0, 0, 0);
  if (handle < 0) fail('not-found', `process ${pid} is gone`);
  const copy = libc().syscall(PIDFD_GETFD, handle, descriptor, 0, 0, 0);
  closeSync(handle);
  return copy >= 0 ? copy : fail('not-found', `process ${pid} has no descriptor ${descriptor}, or keeps it from us`);
}

/** Is the descriptor of another process the same open file as ours? False when it has none, or is gone. */
export function isSameFile(pid: number, descriptor: number, ours: number): boolean {
  return libc().syscall(KCMP, pid, process.pid, KCMP_FILE, descriptor, ours) === 0;
}

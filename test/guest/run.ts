/**
 * `npm run test:precopy [-- --only NAME]`: boots Debian's own kernel in an emulator, on this machine's files (read-only,
 * changes stay in the guest's memory), and runs the moves of `cases.ts` in it. For what this machine's kernel may lack:
 * soft-dirty tracking, and cgroup v2 alone. BERTH_GUEST_MONITOR is the path of a socket for the emulator's commands, if one is
 * wanted (`stop` and `cont`, say).
 */
import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { start } from '../../src/agent/command.ts';
import { asJavaScript } from './as-javascript.ts';
import { makeInitramfs } from './initramfs.ts';
import { FOLDER, fetchGuest, PROJECT, TREE } from './packages.ts';

/** An emulated second takes ten to fifty of ours. */
const LIMIT_MS = 30 * 60_000;

const { only } = parseArgs({ options: { only: { type: 'string' } } }).values;
const options = ['--test-reporter=tap'];
// In init.sh commas part words.
if (only !== undefined) options.push(`--test-name-pattern=/(^|[^a-z-])(${only.replaceAll(',', '|')})[a-z-]*:/`);
const kernel = await fetchGuest();
const initramfs = await makeInitramfs(kernel);
const program = ['node', ...options, relative(PROJECT, await asJavaScript('test/guest/cases.ts'))];
const own = join(TREE, 'usr/bin/qemu-system-x86_64');
const qemu = existsSync(own) ? own : 'qemu-system-x86_64';
const words = {
  console: 'ttyS0',
  panic: '-1',
  apparmor: '0', // its parser is not on every machine
  'berth.home': PROJECT,
  'berth.guest': FOLDER,
  'berth.run': program.join(','),
};
const append = ['quiet', ...Object.entries(words).map(([name, value]) => `${name}=${value}`)].join(' ');

const { BERTH_GUEST_MONITOR: monitor } = process.env;
console.log(`booting ${kernel} under emulation: the moves take some minutes`);
const guest = start(
  'nice',
  [
    ...['-n', '19', qemu, '-accel', 'tcg,thread=multi', '-smp', '2', '-cpu', 'max', '-m', '2048'],
    ...(qemu === own ? ['-L', join(TREE, 'usr/share/qemu'), '-L', join(TREE, 'usr/share/seabios')] : []),
    ...['-kernel', join(TREE, 'boot', `vmlinuz-${kernel}`), '-initrd', initramfs, '-append', append],
    ...['-monitor', monitor === undefined ? 'none' : `unix:${monitor},server,nowait`],
    ...['-display', 'none', '-serial', 'stdio', '-nic', 'none', '-no-reboot'],
    ...['-virtfs', 'local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap'],
  ],
  {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { LD_LIBRARY_PATH: ['usr/lib', 'lib'].map(name => join(TREE, name, 'x86_64-linux-gnu')).join(':') },
  },
);
const limit = setTimeout(() => guest.kill('SIGKILL'), LIMIT_MS);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => guest.kill('SIGKILL'));
let last = '';
for await (const chunk of guest.stdout) {
  process.stdout.write(chunk);
  last = (last + chunk).slice(-2000);
}
clearTimeout(limit);
// The guest's last line, see init.sh.
const code = /guest: ended with (\d+)/.exec(last)?.[1];
if (code === undefined) console.log('the guest did not come to an end');
process.exitCode = Number(code ?? 1);

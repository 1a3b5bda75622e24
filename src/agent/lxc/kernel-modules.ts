/** `linux.kernel_modules`: loaded on the host before an instance starts there, or comes there. */
import { existsSync } from 'node:fs';
import { fail } from '../../domain/errors.ts';
import { run } from '../command.ts';

/** @param list of names with commas between; checked by the domain @throws AppError `unsupported`, naming the module */
export async function loadModules(list: string): Promise<void> {
  for (const name of list.split(',').map(each => each.trim())) {
    // What is built in, or loaded, is there already; the kernel writes "-" as "_".
    if (name === '' || existsSync(`/sys/module/${name.replaceAll('-', '_')}`)) continue;
    const { code, stderr } = await run('modprobe', ['--', name], { timeoutMs: 10_000, allowFailure: true }).catch(
      () => ({
        code: -1,
        stderr: 'this host has no modprobe',
      }),
    );
    if (code !== 0)
      fail('unsupported', `linux.kernel_modules: "${name}" cannot be loaded on this host: ${stderr.trim()}`);
  }
}

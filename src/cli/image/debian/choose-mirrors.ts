import { globSync, readFileSync } from 'node:fs';
import { AppError } from '../../../domain/errors.ts';
import { debianMirrors, type Mirrors } from './mirror.ts';

/** The archive that the user names, else the one this machine installs from. @throws AppError `invalid`, `not-found` */
export function chooseMirrors(wanted?: string): Mirrors {
  if (wanted !== undefined && !/^https?:\/\/\S+$/.test(wanted))
    throw new AppError('invalid', `--mirror: "${wanted}" is not an http or https address`);
  const paths = globSync('/etc/apt/{sources.list,sources.list.d/*.{list,sources}}').sort();
  const { main, security } = debianMirrors(paths.map(path => readFileSync(path, 'utf8')));
  const chosen = wanted ?? main;
  if (chosen === undefined)
    throw new AppError('not-found', "This machine's apt knows no archive of Debian: give one with --mirror URL");
  return { main: chosen.replace(/\/$/, ''), security };
}

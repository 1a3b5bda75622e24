/** How processors are called: LXD's spelling, and Debian's, which image stores use. */
import { fail } from './errors.ts';

const ALIASES: Readonly<Record<string, string>> = {
  amd64: 'x86_64',
  'x86-64': 'x86_64',
  arm64: 'aarch64',
  i386: 'i686',
  i486: 'i686',
  i586: 'i686',
  x86: 'i686',
  armhf: 'armv7l',
  arm: 'armv7l',
  armv7: 'armv7l',
  armel: 'armv6l',
  armv6: 'armv6l',
  armv8: 'armv8l',
  powerpc: 'ppc',
  powerpc64: 'ppc64',
  ppc64el: 'ppc64le',
  powerpc64le: 'ppc64le',
  loong64: 'loongarch64',
};
const ARCHITECTURES = new Set([
  ...['x86_64', 'aarch64', 'i686', 'armv7l', 'armv6l', 'armv8l', 'ppc', 'ppc64', 'ppc64le', 's390x'],
  ...['riscv32', 'riscv64', 'mips', 'mips64', 'loongarch64'],
]);
const DEBIAN: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  i686: 'i386',
  armv7l: 'armhf',
  armv6l: 'armel',
  ppc64le: 'ppc64el',
  ppc: 'powerpc',
  loongarch64: 'loong64',
};

/** LXD's spelling; undefined for one that nobody knows. */
export function knownArchitecture(name: string): string | undefined {
  const lower = name.toLowerCase();
  const plain = Object.hasOwn(ALIASES, lower) ? ALIASES[lower]! : lower;
  return ARCHITECTURES.has(plain) ? plain : undefined;
}

/** @param field what is wrong if it is @throws AppError `invalid` */
export function architectureOf(name: string, field: string): string {
  return knownArchitecture(name) ?? fail('invalid', `${field}: architecture: "${name}" is unknown`);
}

/** Debian's spelling of LXD's. */
export const debianArchitecture = (name: string): string => DEBIAN[name] ?? name;

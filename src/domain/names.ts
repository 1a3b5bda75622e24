/** What may be called how. LXD's rules, because its clients show and check the same names. */
import { fail } from './errors.ts';

const HOST_NAME = /^[a-zA-Z](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$/;
const PLAIN = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/;
const INTERFACE = /^[a-zA-Z0-9][a-zA-Z0-9_.-]{1,14}$/;

/** An instance name is its host name: 1 to 63 letters, digits and dashes, a letter first, no dash last. */
export function checkInstanceName(name: string): string {
  if (!HOST_NAME.test(name)) {
    fail(
      'invalid',
      `Invalid instance name: "${name}" (1 to 63 letters, digits or dashes; starts with a letter, does not end with a dash)`,
    );
  }
  return name;
}

/** Profiles, pools, projects, nodes: `what` goes into the message. */
export function checkName(what: string, name: string): string {
  if (!PLAIN.test(name)) {
    fail(
      'invalid',
      `Invalid ${what} name: "${name}" (1 to 63 letters, digits, dots, dashes or underscores; starts with a letter or digit)`,
    );
  }
  return name;
}

/** A network is an interface on each host, so the kernel's limit of 15 characters holds. */
export function checkNetworkName(name: string): string {
  if (!INTERFACE.test(name)) {
    fail('invalid', `Invalid network name: "${name}" (2 to 15 letters, digits, dots, dashes or underscores)`);
  }
  return name;
}

import type { Instance } from '../api/instance.ts';

/** The filters of `berth list`: all of them must hold. */
export function matchesAll(instance: Instance, filters: readonly string[]): boolean {
  return filters.every(filter => matches(instance, filter));
}

/** Attributes by their short names; several values are separated by commas. */
const ATTRIBUTES: Readonly<Record<string, (instance: Instance) => readonly (string | undefined)[]>> = {
  type: i => [i.type],
  status: i => [i.status],
  architecture: i => [i.architecture],
  location: i => [i.location],
  ipv4: i => addressesOf(i, 'inet'),
  ipv6: i => addressesOf(i, 'inet6'),
};

function matches(instance: Instance, filter: string): boolean {
  const equals = filter.indexOf('=');
  if (equals === -1) return instance.name.startsWith(filter) || whole(filter)?.test(instance.name) === true;
  const key = filter.slice(0, equals);
  const value = filter.slice(equals + 1);
  const attribute = ATTRIBUTES[key];
  if (attribute !== undefined) {
    const accepted = value.toLowerCase().split(',');
    return attribute(instance).some(found => found !== undefined && accepted.includes(found.toLowerCase()));
  }
  const settings = Object.entries(instance.expanded_config ?? instance.config ?? {});
  return settings.some(
    ([name, found]) => abbreviates(key, name) && (found === value || whole(value)?.test(found) === true),
  );
}

/** "u.blah" means user.blah: each part but the last may be shortened. */
function abbreviates(short: string, name: string): boolean {
  const parts = short.split('.');
  const full = name.split('.');
  return (
    parts.length === full.length &&
    parts.every((part, i) => (i < parts.length - 1 ? full[i]!.startsWith(part) : full[i] === part))
  );
}

/** A regular expression for the whole text; undefined if it is not one. */
function whole(pattern: string): RegExp | undefined {
  try {
    return new RegExp(`^(?:${pattern})$`);
  } catch {
    return undefined;
  }
}

function addressesOf(instance: Instance, family: string): readonly string[] {
  return Object.values(instance.state?.network ?? {}).flatMap(nic =>
    (nic.addresses ?? []).filter(a => a.family === family).map(a => a.address),
  );
}

import { AppError } from '../../domain/errors.ts';
import type { Settings } from '../api/instance.ts';

/** key=value as the user types it: options that may be repeated, arguments, and the old form "key value". */

/** For options that may be given more than once. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** The value may hold "=" and may be empty; the key may not. */
export function parseKeyValues(words: readonly string[]): Settings {
  return Object.fromEntries(
    words.map(word => {
      const equals = word.indexOf('=');
      if (equals < 1) throw new AppError('invalid', `Bad key=value pair: ${word}`);
      return [word.slice(0, equals), word.slice(equals + 1)];
    }),
  );
}

/** As parseKeyValues; exactly two words without "=" in the first are one key and its value. */
export function parseSettings(words: readonly string[]): Settings {
  const [key, value] = words;
  if (words.length === 2 && !key!.includes('=')) return { [key!]: value! };
  return parseKeyValues(words);
}

/** `-d root,size=10GiB -d root,pool=p`: the keys of each device. */
export function parseDevices(words: readonly string[]): Readonly<Record<string, Settings>> {
  const devices: Record<string, Settings> = {};
  for (const word of words) {
    const comma = word.indexOf(',');
    if (comma < 1) throw new AppError('invalid', `Bad device: "${word}" is not of the form NAME,key=value`);
    const name = word.slice(0, comma);
    devices[name] = { ...devices[name], ...parseKeyValues(word.slice(comma + 1).split(',')) };
  }
  return devices;
}

/** An empty value takes the key away, as in LXD. */
export function applySettings(before: Settings | null | undefined, changes: Settings): Settings {
  return Object.fromEntries(
    Object.entries({ ...before, ...changes }).filter(([key, value]) => value !== '' || !Object.hasOwn(changes, key)),
  );
}

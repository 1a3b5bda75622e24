/** How two answers differ in shape: what is there and of which type, never what it says. Pure. */

/** Maps with names of their own as keys: their values are compared, not their keys. */
const MAPS =
  /^(config|devices|expanded_config|expanded_devices|properties|network|disk|kernel_features|lxc_features|templates|resources)$/;

/** One line a difference: `metadata.status lacks`, `… is ours alone`, `… is string there, number here`. */
export function differences(there: unknown, here: unknown, at = ''): readonly string[] {
  const [theirs, ours] = [kindOf(there), kindOf(here)];
  if (theirs !== ours) return [`${at || 'the body'}: ${theirs} there, ${ours} here`];
  if (theirs === 'list') {
    const [first, second] = [(there as unknown[])[0], (here as unknown[])[0]];
    return first === undefined || second === undefined ? [] : differences(first, second, `${at}[]`);
  }
  if (theirs !== 'map') return [];
  const [left, right] = [there as Readonly<Record<string, unknown>>, here as Readonly<Record<string, unknown>>];
  if (MAPS.test(at.split('.').at(-1)!)) {
    const [first, second] = [Object.values(left)[0], Object.values(right)[0]];
    return first === undefined || second === undefined ? [] : differences(first, second, `${at}.*`);
  }
  const name = (key: string) => (at === '' ? key : `${at}.${key}`);
  return [
    ...Object.keys(left).flatMap(key =>
      key in right ? differences(left[key], right[key], name(key)) : [`${name(key)}: missing here`],
    ),
    ...Object.keys(right)
      .filter(key => !(key in left))
      .map(key => `${name(key)}: only here`),
  ];
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'list';
  return typeof value === 'object' ? 'map' : typeof value;
}

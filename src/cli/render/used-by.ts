/** Pure. URLs of the API grouped by what they name: {instances: [c1], profiles: [default]}. */
export function groupUsers(urls: readonly string[]): Readonly<Record<string, readonly string[]>> {
  const groups: Record<string, readonly string[]> = {};
  for (const url of urls) {
    const [, , kind = 'others', ...rest] = url.split('?')[0]!.split('/');
    groups[kind] = [...(groups[kind] ?? []), decodeURIComponent(rest.at(-1) ?? url)];
  }
  return groups;
}

/** YAML as LXD's client writes it: keys in the server's order, lists not indented, long lines left whole. */
export async function renderYaml(value: unknown): Promise<string> {
  const { stringify } = await import('yaml');
  return stringify(value, { indentSeq: false, lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}

export async function parseYaml(text: string): Promise<unknown> {
  const { parse } = await import('yaml');
  const { AppError } = await import('../../domain/errors.ts');
  try {
    return parse(text);
  } catch (error) {
    throw new AppError('invalid', `not valid YAML: ${(error as Error).message}`, error);
  }
}

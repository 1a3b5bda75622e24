/** Which Debian archive this machine installs from, read from apt's sources: pure. */

/** Where packages come from; security fixes have an archive of their own. */
export interface Mirrors {
  readonly main: string;
  /** Undefined: this machine uses none that we know. */
  readonly security: string | undefined;
}

interface Source {
  readonly uri: string;
  readonly suites: readonly string[];
  readonly components: readonly string[];
}

/** Archives of others name their suites otherwise, or have no component `main`. */
const SUITE =
  /^(oldoldstable|oldstable|stable|testing|sid|unstable|buster|bullseye|bookworm|trixie|forky|duke)(-updates|-security|\/updates)?$/;
const SECURITY = /-security$|\/updates$/;

/**
 * The first archive of Debian, and the first of its security fixes.
 * @param files contents of apt's `*.list` (one line each) and `*.sources` (fields); which of them is seen by the form
 */
export function debianMirrors(files: readonly string[]): Partial<Mirrors> {
  const sources = files
    .flatMap(text => [...lineSources(text), ...fieldSources(text)])
    .filter(({ components, suites }) => components.includes('main') && suites.some(suite => SUITE.test(suite)));
  const first = (wanted: (suite: string) => boolean) => sources.find(({ suites }) => suites.some(wanted))?.uri;
  const main = first(suite => SUITE.test(suite) && !SECURITY.test(suite));
  return { ...(main === undefined ? {} : { main }), security: first(suite => SECURITY.test(suite)) };
}

/** `deb [signed-by=...] http://... bookworm main contrib` */
function lineSources(text: string): readonly Source[] {
  return text.split('\n').flatMap(line => {
    const match = /^deb\s+(?:\[[^\]]*\]\s+)?(https?:\S+)\s+(\S+)\s+([^#]*)/.exec(line);
    return match === null ? [] : [{ uri: match[1]!, suites: [match[2]!], components: words(match[3]!) }];
  });
}

/** Paragraphs of `Types:`, `URIs:`, `Suites:`, `Components:`; a value may go on in lines that begin with a space. */
function fieldSources(text: string): readonly Source[] {
  const plain = text.replace(/^#.*\n?/gm, '').replace(/\n[ \t]+/g, ' ');
  return plain.split(/\n\s*\n/).flatMap(paragraph => {
    const field = (name: string) => words(new RegExp(`^${name}:(.*)$`, 'im').exec(paragraph)?.[1] ?? '');
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return [];
    const [suites, components] = [field('Suites'), field('Components')];
    return field('URIs')
      .filter(uri => /^https?:/.test(uri))
      .map(uri => ({ uri, suites, components }));
  });
}

const words = (text: string): readonly string[] => text.trim().split(/\s+/).filter(Boolean);

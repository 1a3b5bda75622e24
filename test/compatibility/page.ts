/** docs/compatibility.md, made from the findings. `npm run compat` writes it; a test says when that was forgotten. */
import { findCommands, findTests } from './commands.ts';
import { findKeys } from './config-keys.ts';
import { findEndpoints, findExtensions, ownEndpoints } from './endpoints.ts';
import { type Reason, readReasons } from './facts.ts';
import { type Finding, openJudge, type Verdict } from './verdict.ts';

export interface Page {
  readonly text: string;
  /** Reasons that fit nothing any more. */
  readonly unused: readonly string[];
}

type Verdicts = Readonly<Record<Reason['section'], readonly Verdict[]>>;

export async function makePage(): Promise<Page> {
  const reasons = readReasons();
  const unused: string[] = [];
  const judged = (section: Reason['section'], findings: readonly Finding[]): readonly Verdict[] => {
    const judge = openJudge(reasons, section);
    const verdicts = findings.map(finding => judge.verdict(finding));
    unused.push(...judge.unused().map(match => `${section}: ${match}`));
    // A command without all its flags is there, partly.
    return verdicts.map(each => (each.answer === 'yes' && each.why !== '' ? { ...each, answer: 'partly' } : each));
  };
  const verdicts = {
    endpoint: judged('endpoint', await findEndpoints()),
    extension: judged('extension', findExtensions()),
    key: judged('key', await findKeys()),
    command: judged('command', await findCommands()),
  };
  return { text: render(verdicts, await ownEndpoints()), unused };
}

function render({ endpoint, extension, key, command }: Verdicts, own: readonly string[]): string {
  const tests = findTests();
  return [
    '# Compatibility with LXD 5.0.2',
    '',
    'Made by `npm run compat` from our own tables and from `docs/compatibility/*.yaml`; checked by `test/compatibility`. *Endpoints* are',
    'compared with the table of routes, *extensions* with what `GET /1.0` announces, *config keys* by trying each on a controller, *commands*',
    'with the tree of `berth`. What a "yes" promises is proved elsewhere: by the tests with the real clients, and by `npm run compare`.',
    '',
    '| | yes | partly | no |',
    '|---|---|---|---|',
    counted('endpoints', endpoint),
    counted('API extensions', extension),
    counted('config keys and device options', key),
    counted('commands in `berth`', command),
    `| commands of \`lxc\` run by our tests | ${[...tests.values()].filter(files => files.length > 0).length} | | ${[...tests.values()].filter(files => files.length === 0).length} |`,
    '',
    '## Endpoints',
    '',
    '| endpoint | | why |',
    '|---|---|---|',
    ...endpoint.map(each => row(each)),
    '',
    `Of our own besides: ${own.map(route => `\`${route.replaceAll('{}', '{name}')}\``).join(', ')}.`,
    '',
    '## API extensions',
    '',
    `Announced: ${extension
      .filter(each => each.answer === 'yes')
      .map(({ name }) => `\`${name}\``)
      .join(', ')}.`,
    '',
    '| not, or partly | | why |',
    '|---|---|---|',
    ...extension.filter(each => each.answer !== 'yes').map(each => row(each)),
    '',
    '## Config keys and device options',
    '',
    ...groupsOf(key).flatMap(([group, keys]) => [
      `### ${group}`,
      '',
      '| key | | why |',
      '|---|---|---|',
      ...keys.map(each => row({ ...each, name: each.name.slice(group.length + 2) })),
      '',
    ]),
    '## Commands',
    '',
    'Also under the name and flags that `lxc` gives them, in `berth`; and by which test (`test/e2e/NAME.real.test.ts`) the real `lxc` runs them.',
    '',
    '| command | `berth` | why | `lxc` run by |',
    '|---|---|---|---|',
    ...command.map(each => `${row(each)} ${tests.get(each.name)?.join(', ') || '-'} |`),
    '',
  ].join('\n');
}

const row = ({ name, answer, why }: Verdict) => `| \`${name}\` | ${answer} | ${why.replaceAll('|', '\\|')} |`;

function counted(what: string, verdicts: readonly Verdict[]): string {
  const count = (answer: Verdict['answer']) => verdicts.filter(each => each.answer === answer).length;
  return `| ${what} | ${count('yes')} | ${count('partly')} | ${count('no')} |`;
}

function groupsOf(verdicts: readonly Verdict[]): readonly (readonly [string, readonly Verdict[]])[] {
  return [...Map.groupBy(verdicts, ({ name }) => name.split(': ').slice(0, -1).join(': '))];
}

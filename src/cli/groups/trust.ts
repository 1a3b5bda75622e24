import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { AppError } from '../../domain/errors.ts';
import type { Operation } from '../api/operation.ts';
import { at } from '../api/path.ts';
import { deleteToken, pendingTokens } from '../api/pending-tokens.ts';
import { type Fields, writable } from '../api/update.ts';
import { editYaml } from '../input/edit.ts';
import { splitRemote } from '../remotes/reference.ts';
import { trustTokenOf } from '../remotes/token.ts';
import { longDate } from '../render/quantity.ts';
import { type Format, formatOption, renderList, sortRows } from '../render/table.ts';
import { renderYaml } from '../render/yaml.ts';
import type { Session } from '../session.ts';

interface Certificate {
  readonly fingerprint: string;
  readonly certificate: string;
  readonly name: string;
  readonly type: string;
}

interface AddOptions {
  readonly name?: string;
  readonly projects?: string;
  readonly restricted?: boolean;
  readonly type: string;
}

/** `config trust`: who may use the server. */
export function defineTrustCommands(parent: Command, session: Session): void {
  const group = parent.command('trust').description('Manage the clients that a server trusts');
  const sub = (name: string, summary: string) => group.command(name).description(summary);
  sub('list', 'List trusted clients')
    .alias('ls')
    .argument('[remote:]')
    .addOption(formatOption())
    .action((remote: string | undefined, { format }: { format: Format }) => list(session, remote, format));
  sub('add', 'Trust a client: by its certificate file, or, without one, by a token to hand to it')
    .usage('[REMOTE:] [CERTIFICATE-FILE] [options]')
    .argument('[words...]')
    .option('--name <name>', 'what to call it')
    .option('--restricted', 'only the projects given')
    .option('--projects <names>', 'comma list of projects')
    .option('--type <type>', 'client or metrics', 'client')
    .action((words: readonly string[], options: AddOptions) => add(session, words, options));
  sub('remove', 'Trust a client no more')
    .alias('rm')
    .argument('<fingerprint>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await client.send('DELETE', at`certificates/${name}`);
    });
  sub('show', 'Show a trusted client')
    .argument('<fingerprint>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      session.print(await renderYaml(await client.get(at`certificates/${name}`)));
    });
  sub('edit', 'Edit a trusted client as YAML')
    .argument('<fingerprint>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      const { value, etag } = await client.getTagged<Fields>(at`certificates/${name}`);
      await editYaml(session, writable('certificate', value), '', async edited => {
        await client.send('PUT', at`certificates/${name}`, { body: writable('certificate', edited), etag });
      });
    });
  sub('list-tokens', 'List the tokens that wait for their client')
    .argument('[remote:]')
    .addOption(formatOption())
    .action(async (remote: string | undefined, { format }: { format: Format }) => {
      const { client } = await session.resolve(remote ?? '');
      const tokens = (await pendingTokens(client)).filter(isTrustToken);
      const rows = tokens.map(token => [
        nameOf(token),
        trustTokenOf(token),
        longDate(String(token.metadata?.expiresAt ?? '')) ?? '',
      ]);
      session.print(
        await renderList({ headers: ['NAME', 'TOKEN', 'EXPIRES AT'], rows: sortRows(rows), raw: tokens }, format),
      );
    });
  sub('revoke-token', 'Make a token invalid')
    .argument('<name>')
    .action(async (reference: string) => {
      const { client, name } = await session.resolve(reference);
      await deleteToken(client, name, token => isTrustToken(token) && nameOf(token) === name);
      session.print(`Certificate add token for ${name} deleted`);
    });
}

async function list(session: Session, remote: string | undefined, format: Format): Promise<void> {
  const { client } = await session.resolve(remote ?? '');
  const certificates = await client.get<readonly Certificate[]>(at`certificates`, { recursion: 1 });
  const rows = certificates.map(entry => {
    const { subject, validFrom, validTo } = new X509Certificate(entry.certificate);
    const commonName = /^CN=(.*)$/m.exec(subject)?.[1] ?? '';
    return [entry.type, entry.name, commonName, entry.fingerprint.slice(0, 12), isoOf(validFrom), isoOf(validTo)];
  });
  const headers = ['TYPE', 'NAME', 'COMMON NAME', 'FINGERPRINT', 'ISSUE DATE', 'EXPIRY DATE'];
  session.print(await renderList({ headers, rows: sortRows(rows), raw: certificates }, format));
}

async function add(session: Session, words: readonly string[], options: AddOptions): Promise<void> {
  const { remote, rest } = splitRemote(words, await session.remotes());
  const [file, ...more] = rest;
  if (more.length > 0) throw new AppError('invalid', `Too many arguments: ${more.join(' ')}`);
  const client = await session.client(remote);
  const limits = {
    restricted: options.restricted === true,
    projects: options.projects?.split(',') ?? [],
    type: options.type,
  };
  if (file !== undefined) {
    const certificate = await readCertificate(file);
    await client.send('POST', at`certificates`, {
      body: { ...limits, name: options.name ?? file.replace(/^.*\//, ''), certificate },
    });
    return;
  }
  if (options.name === undefined) throw new AppError('invalid', 'Give the client a name with --name');
  const answer = await client.send('POST', at`certificates`, { body: { ...limits, name: options.name, token: true } });
  if (answer.kind === 'sync') throw new AppError('internal', 'the server made no token');
  session.print(`Client ${options.name} certificate add token:\n${trustTokenOf(answer.operation)}`);
}

/** Base64 of the DER, as the API wants it. */
async function readCertificate(file: string): Promise<string> {
  try {
    return new X509Certificate(await readFile(file)).raw.toString('base64');
  } catch (error) {
    throw new AppError('invalid', `cannot use ${file} as a certificate: ${(error as Error).message}`, error);
  }
}

function isTrustToken(token: Operation): boolean {
  return token.metadata?.request !== undefined;
}

function nameOf(token: Operation): string {
  return String((token.metadata?.request as { name?: unknown } | undefined)?.name ?? '');
}

function isoOf(date: string): string {
  return longDate(new Date(date).toISOString()) ?? '';
}

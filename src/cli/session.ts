import type { Client } from './api/client.ts';
import type { Answer } from './api/envelope.ts';
import type { Operation } from './api/operation.ts';
import { type Io, print } from './io.ts';
import { readRemotes, writeRemotes } from './remotes/config-file.ts';
import { parseReference } from './remotes/reference.ts';
import { getRemote, type Remotes } from './remotes/remote.ts';

export interface GlobalFlags {
  readonly project?: string;
  readonly quiet: boolean;
  readonly debug: boolean;
}

/** A thing the user named, and the server it is on. */
export interface Target {
  readonly client: Client;
  readonly remote: string;
  readonly name: string;
}

/** One run of the CLI: its streams and flags, the remotes and the clients it has opened, and the exit code it will end with. */
export class Session {
  readonly io: Io;
  flags: GlobalFlags = { quiet: false, debug: false };
  exitCode = 0;
  #remotes: Promise<Remotes> | undefined;
  readonly #clients = new Map<string, Promise<Client>>();

  constructor(io: Io) {
    this.io = io;
  }

  remotes(): Promise<Remotes> {
    this.#remotes ??= readRemotes(this.io.env);
    return this.#remotes;
  }

  async saveRemotes(remotes: Remotes): Promise<void> {
    await writeRemotes(this.io.env, remotes);
    this.#remotes = Promise.resolve(remotes);
  }

  /** The client of a remote, opened once. */
  client(remote: string): Promise<Client> {
    const known = this.#clients.get(remote);
    if (known !== undefined) return known;
    const opened = this.#connect(remote);
    this.#clients.set(remote, opened);
    return opened;
  }

  /** What `remote:name` means. */
  async resolve(text: string): Promise<Target> {
    const { remote, name } = parseReference(text, await this.remotes());
    return { remote, name, client: await this.client(remote) };
  }

  /** A line of result. */
  print(text: string): void {
    print(this.io.stdout, text);
  }

  /** A line beside the result: hints, questions, warnings. */
  note(text: string): void {
    print(this.io.stderr, text);
  }

  /** Sends a change and waits until it is done, with its progress on the terminal. */
  async perform(client: Client, label: string, send: () => Promise<Answer>): Promise<Operation | undefined> {
    const answer = await send();
    if (answer.kind === 'sync') return undefined;
    const { watchOperation } = await import('./watch-operation.ts');
    return watchOperation(this, client, label, answer.operation);
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) await client.then(c => c.close()).catch(() => {});
  }

  async #connect(remote: string): Promise<Client> {
    const { connect } = await import('./remotes/connect.ts');
    const trace = this.flags.debug ? (line: string) => this.note(line) : undefined;
    return connect(this.io.env, remote, getRemote(await this.remotes(), remote), this.flags.project, trace);
  }
}

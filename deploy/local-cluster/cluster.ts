/**
 * A running local cluster as a thing to work with: run commands in its hosts, kill and restart its parts, stop it.
 * Each change is written to its state file, so that another process can open the same cluster.
 */
import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { type Outcome, type RunOptions, run } from '../../src/agent/command.ts';
import { fail } from '../../src/domain/errors.ts';
import { membersOnline, openApi } from './api.ts';
import { type EtcdOptions, etcdEndpoints, memberReady, startMember } from './etcd.ts';
import { inHost } from './host-namespace.ts';
import { DATA_INSIDE, type HostLayout, type Layout, layoutOf } from './layout.ts';
import { isAlive, type ProcessId, signal, startDaemon } from './process.ts';
import { removeCluster } from './remove.ts';
import { type ClusterState, readState, writeState } from './state.ts';
import { until } from './until.ts';

const AGENT_PORT = 8444;
/** The name by which `exec` knows the namespace of TCP clients, which is on the segment but no host. */
export const CLIENT = 'client';

export class Cluster {
  readonly layout: Layout;
  #state: ClusterState;

  constructor(state: ClusterState) {
    this.#state = state;
    this.layout = layoutOf(state.slot);
  }

  get state(): ClusterState {
    return this.#state;
  }

  get dir(): string {
    return this.#state.dir;
  }

  get logDir(): string {
    return join(this.dir, 'logs');
  }

  /** The controller's unix socket; its folder serves as LXD_DIR. */
  get socketPath(): string {
    return join(this.dir, 'controller', 'unix.socket');
  }

  /** The controller's API over HTTPS. */
  get url(): string {
    return `https://127.0.0.1:${this.#state.port}`;
  }

  get etcdEndpoints(): readonly string[] {
    return etcdEndpoints(this.#etcd);
  }

  get hosts(): readonly HostLayout[] {
    return Object.keys(this.#state.hosts).map((_, index) => this.layout.host(index));
  }

  /** The agent's data folder of a host, as seen from this machine; its pool and lxcfs are mounted only inside. */
  hostDir(name: string): string {
    return join(this.dir, 'hosts', name);
  }

  /** The command line that runs `argv` on the host called `name`, or on `client`. */
  hostCommand(name: string, argv: readonly string[]): readonly string[] {
    if (name === CLIENT) return ['nsenter', `--net=/run/netns/${this.layout.clientNamespace}`, '--', ...argv];
    return inHost(this.#host(name).holder, argv);
  }

  /** Runs a command on the host called `name`, or on `client`, to its end. Throws as `run` does. */
  exec(name: string, argv: readonly string[], options?: RunOptions): Promise<Outcome> {
    const [file, ...args] = this.hostCommand(name, argv);
    return run(file!, args, options);
  }

  /** Starts the controller and waits until it answers. */
  async startController(): Promise<void> {
    const { programs, port, slot } = this.#state;
    const dataDir = join(this.dir, 'controller');
    const options = [
      '--data',
      dataDir,
      '--name',
      'c1',
      '--listen',
      `127.0.0.1:${port}`,
      '--etcd',
      this.etcdEndpoints.join(),
    ];
    const logFile = join(this.logDir, 'controller.log');
    const controller = await startDaemon([...programs.controller, ...options], { slot, logFile });
    this.#update({ controller });
    const api = openApi(this.socketPath);
    try {
      await until(`the controller to answer (see ${logFile})`, 15_000, async () => {
        mustLive(controller, 'the controller', logFile);
        return api.get('/1.0').then(
          () => true as const,
          () => undefined,
        );
      });
    } finally {
      api.close();
    }
  }

  async killController(): Promise<void> {
    await kill(this.#state.controller);
  }

  /** Makes a host a member of the cluster with a token of the controller; `startAgent` comes next. */
  async joinAgent(name: string, token: string): Promise<void> {
    const command = [
      ...this.#state.programs.agent,
      'join',
      token,
      '--data',
      DATA_INSIDE,
      '--address',
      this.#agentAddress(name),
    ];
    // the controller listens on this machine's loopback address: the files of the host, but not its network
    await run('nsenter', ['-t', String(this.#host(name).holder.pid), '-m', '--', ...command]);
  }

  /** Starts a host's agent and waits until it accepts connections. */
  async startAgent(name: string): Promise<void> {
    const logFile = join(this.logDir, `agent-${name}.log`);
    const command = this.hostCommand(name, [...this.#state.programs.agent, 'run', '--data', DATA_INSIDE]);
    const agent = await startDaemon(command, { slot: this.#state.slot, logFile });
    this.#update({ agents: { ...this.#state.agents, [name]: agent } });
    await until(`the agent of ${name} to listen (see ${logFile})`, 15_000, () => {
      mustLive(agent, `the agent of ${name}`, logFile);
      return accepts(this.#agentAddress(name));
    });
  }

  async killAgent(name: string): Promise<void> {
    await kill(this.#state.agents[name]);
  }

  /** Resolves when the controller calls all of them online; default: all hosts. */
  async online(names: readonly string[] = this.hosts.map(host => host.name)): Promise<void> {
    const api = openApi(this.socketPath);
    try {
      await membersOnline(api, names);
    } finally {
      api.close();
    }
  }

  /** Starts etcd members (0, 1, 2) and waits until each is healthy; new members find their majority only together. */
  async startEtcd(...members: readonly number[]): Promise<void> {
    const started = await Promise.all(
      members.map(async member => [member, await startMember(this.#etcd, member)] as const),
    );
    this.#update({ etcd: { ...this.#state.etcd, ...Object.fromEntries(started) } });
    await Promise.all(started.map(([member, id]) => memberReady(this.#etcd, member, id)));
  }

  async killEtcd(member: number): Promise<void> {
    await kill(this.#state.etcd[member]);
  }

  /** Ends everything of the cluster and deletes its folder, but for `keep` in it (say `logs`). */
  async stop(keep: readonly string[] = []): Promise<void> {
    await removeCluster({ slot: this.#state.slot, dir: this.dir, owner: 'detached' }, keep);
  }

  get #etcd(): EtcdOptions {
    const { dir, layout, logDir } = this;
    return { layout, members: this.#state.etcdMembers, dir: join(dir, 'etcd'), logDir };
  }

  #host(name: string) {
    return (
      this.#state.hosts[name] ??
      fail('not-found', `no host ${name}: there are ${Object.keys(this.#state.hosts).join(', ')}`)
    );
  }

  #agentAddress(name: string): string {
    return `${this.hosts.find(host => host.name === name)?.address}:${AGENT_PORT}`;
  }

  #update(change: Partial<ClusterState>): void {
    this.#state = { ...this.#state, ...change };
    writeState(this.#state);
  }
}

/** The cluster that was started in `dir`, perhaps by another process. */
export function openCluster(dir: string): Cluster {
  return new Cluster(readState(dir));
}

async function kill(id: ProcessId | undefined): Promise<void> {
  if (id === undefined) return;
  signal(id, 'SIGKILL');
  await until(`process ${id.pid} to end`, 5000, () => (isAlive(id) ? undefined : true));
}

function mustLive(id: ProcessId, what: string, logFile: string): void {
  if (isAlive(id)) return;
  const last = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
  fail('unavailable', `${what} ended at once; the last it said (${logFile}):\n${last}`);
}

function accepts(address: string): Promise<true | undefined> {
  const [host, port] = address.split(':');
  return new Promise(resolve => {
    const socket = createConnection({ host: host!, port: Number(port) });
    const answer = (value: true | undefined) => {
      socket.destroy();
      resolve(value);
    };
    socket.once('connect', () => answer(true)).once('error', () => answer(undefined));
  });
}

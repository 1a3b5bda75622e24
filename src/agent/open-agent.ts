/** Opens every part of the agent in the order in which they need each other. Containers that run already are found. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fail } from '../domain/errors.ts';
import { systemClock } from '../kit/clock.ts';
import { AGENT_SERVICES } from '../rpc/agent-services.ts';
import { isController, type TlsIdentity } from '../rpc/identity.ts';
import { serveGrpc } from '../rpc/server.ts';
import { readConfig, runnable } from './agent-config.ts';
import { serveBackups } from './backups/backup-file.ts';
import { backupService } from './backups/service.ts';
import { openCgroups } from './cgroups.ts';
import { locateCriu } from './criu/locate.ts';
import { type CriuCapability, probeCriu } from './criu/probe.ts';
import { lockDataFolder } from './data-folder-lock.ts';
import { listenForData } from './data-plane/listener.ts';
import { diskUsage } from './disk-usage.ts';
import { endOrphanedCommands } from './exec/orphans.ts';
import { fileDoors } from './files/door.ts';
import { fileService } from './files/service.ts';
import type { Host } from './host.ts';
import { readHostFacts } from './host-facts.ts';
import { type ImageStore, openImageStore } from './image/image-store.ts';
import { serveImageStreams } from './image/image-streams.ts';
import { imageSourceService } from './image/source-service.ts';
import { imageService } from './image-service.ts';
import { imagesIn } from './images.ts';
import { instanceLocks } from './instance-lock.ts';
import { openLedger } from './ledger.ts';
import type { Log } from './log.ts';
import { lxcRuntime } from './lxc/lxc-runtime.ts';
import { type MemoryModes, memoryModes } from './move/memory-modes.ts';
import { openMoves } from './move/moves.ts';
import { isMovingIn, mountMovesFolder } from './move/moves-folder.ts';
import { openPaceBook } from './move/pace-file.ts';
import { moveService } from './move/service.ts';
import { openNetworks } from './networks/networks.ts';
import { networkService } from './networks/service.ts';
import { observe } from './observe.ts';
import { makeFolders, type Paths, pathsIn } from './paths.ts';
import { openPools } from './pools.ts';
import { instanceService } from './service.ts';
import { recoverStates } from './snapshots/recover-states.ts';
import { snapshotService } from './snapshots/service.ts';
import { stateFolders } from './snapshots/state-folders.ts';
import { usageService } from './usage-stream.ts';
import { verbs } from './verb.ts';
import { volumeService } from './volumes/service.ts';

export interface AgentOptions {
  readonly data: string;
  /** BERTH_CRIU: a CRIU to use instead of the one that is found. */
  readonly criu: string | undefined;
  readonly log: Log;
}

export interface OpenAgent {
  /** Where it listens, really. */
  readonly address: string;
  close(): Promise<void>;
}

/** Serves as soon as it returns. */
export async function openAgent({ data, criu: told, log }: AgentOptions): Promise<OpenAgent> {
  const paths = pathsIn(data);
  const lock = await lockDataFolder(data);
  const identity = await readIdentity(paths);
  const criu = locateCriu(told);
  await makeFolders(paths);
  const store = await openImageStore(paths.data);
  const host = await openHost(paths, store, criu);
  const orphans = endOrphanedCommands(paths.lxc);
  if (orphans > 0) log.warn({ orphans }, 'commands that an agent before this one left were ended');
  await recoverStates(host, log);
  const observer = observe(host);
  const verb = verbs(observer, log);
  const dataPlane = await listenForData({ ...hostAndPort(host.config.dataListen), identity, clock: systemClock });
  serveImageStreams(dataPlane, store);
  serveBackups(dataPlane, host);
  const moves = openMoves(host, { dataPlane, identity, criu: criu ?? 'criu' });
  const server = await serveGrpc({
    address: host.config.listen,
    tls: identity,
    services: AGENT_SERVICES,
    implementation: {
      ...instanceService(host, observer, verb, store),
      ...imageService(host, store, dataPlane, identity),
      ...moveService(host, moves, identity),
      ...snapshotService(host, verb),
      ...backupService(host, store, verb),
      ...usageService(host),
      ...fileService(host, dataPlane),
      ...networkService(host),
      ...imageSourceService(host, store, verb),
      ...volumeService(host, { dataPlane, identity, store }),
    },
    allow: isController,
    // Refusals are logged by the verbs; what is left is ours to mend.
    onError: (method, error) => {
      if (error.code === 'internal') log.error({ method, cause: error.cause }, error.message);
    },
  });
  void host.criu().then(probe => log.info({ criu: probe }, 'CRIU was tried'));
  return {
    address: host.config.listen,
    async close() {
      observer.close();
      await server.close();
      await dataPlane.close();
      lock.release();
    },
  };
}

async function openHost(paths: Paths, store: ImageStore, criu: string | undefined): Promise<Host> {
  await mountMovesFolder(paths.moves);
  const config = runnable(await readConfig(paths.config));
  const cgroups = openCgroups(config.cgroupPrefix);
  let probe: Promise<CriuCapability> | undefined;
  let modes: Promise<MemoryModes> | undefined;
  return {
    config,
    paths,
    cgroups,
    facts: readHostFacts(cgroups),
    ledger: await openLedger(paths.ledger),
    runtime: lxcRuntime(paths.lxc, cgroups),
    pools: await openPools(paths, config),
    networks: await openNetworks(paths, config),
    images: imagesIn(store),
    locks: instanceLocks(),
    states: stateFolders(paths.states),
    diskUsage: diskUsage(systemClock),
    fileDoors: fileDoors(),
    clock: systemClock,
    criu: () => (probe ??= probeCriu(criu)),
    criuPath: criu ?? 'criu',
    pace: openPaceBook(paths.pace),
    memoryModes: () => (modes ??= memoryModes(criu)),
    isMoving: id => isMovingIn(paths.moves, id),
  };
}

function hostAndPort(address: string): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(':');
  return { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
}

/** What `join` stored. @throws AppError `invalid` if this host has not joined */
async function readIdentity(paths: Paths): Promise<TlsIdentity> {
  const read = (name: string) =>
    readFile(join(paths.tls, name), 'utf8').catch(() =>
      fail('invalid', `${paths.tls}/${name} is missing: join a cluster first`),
    );
  return { ca: await read('ca.crt'), cert: await read('agent.crt'), key: await read('agent.key') };
}

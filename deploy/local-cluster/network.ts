/**
 * The segment that joins the hosts: a namespace with one bridge, and a cable (veth pair) from it to each host, to the
 * client and to this machine. This machine's own interfaces and routes stay as they are, but for the one new end.
 */
import { readdirSync } from 'node:fs';
import { run } from '../../src/agent/command.ts';
import { BRIDGE, type HostLayout, type Layout } from './layout.ts';

/** Makes the segment, this machine's end of it, and the client. */
export async function makeSegment(layout: Layout): Promise<void> {
  const { segmentNamespace: lan, clientNamespace: client } = layout;
  await Promise.all([makeNamespace(lan), makeNamespace(client)]);
  await ip(`link add br0 netns ${lan} type bridge`, `link add ${layout.uplink} type veth peer name root netns ${lan}`);
  await ipIn(lan, 'link set br0 up', 'link set root master br0 up');
  await ip(`addr add ${layout.gateway}/${layout.prefixLength} dev ${layout.uplink}`, `link set ${layout.uplink} up`);
  await plug(layout, client, 'client');
  await ipIn(client, `addr add ${layout.clientAddress}/${layout.prefixLength} dev eth0`, 'link set eth0 up');
}

/** A host's namespace with its bridge, its address on the bridge, and its cable to the segment. */
export async function makeHostNetwork(layout: Layout, host: HostLayout): Promise<void> {
  await makeNamespace(host.namespace);
  await plug(layout, host.namespace, host.name);
  await ipIn(
    host.namespace,
    `link add ${BRIDGE} address ${host.bridgeMac} type bridge`,
    `link set eth0 master ${BRIDGE} up`,
    `addr add ${host.address}/${layout.prefixLength} dev ${BRIDGE}`,
    `link set ${BRIDGE} up`,
    `route add default via ${layout.gateway}`,
  );
}

/** Removes the slot's namespaces, and with them every interface that has an end in one. */
export async function removeNetwork(layout: Layout): Promise<void> {
  await Promise.all(namespacesOf(layout).map(name => run('ip', ['netns', 'del', name], { allowFailure: true })));
  await run('ip', ['link', 'del', layout.uplink], { allowFailure: true }); // if it had not got its other end yet
}

/** The slot's network namespaces that exist. */
export function namespacesOf(layout: Layout): readonly string[] {
  const prefix = layout.segmentNamespace.replace(/lan$/, '');
  return namespaces().filter(name => name.startsWith(prefix));
}

/** All network namespaces that have a name. */
export function namespaces(): readonly string[] {
  try {
    return readdirSync('/run/netns');
  } catch {
    return [];
  }
}

async function makeNamespace(name: string): Promise<void> {
  await run('ip', ['netns', 'add', name]);
  await ipIn(name, 'link set lo up');
}

/** A cable from the segment's bridge to `eth0` in the namespace. */
async function plug(layout: Layout, namespace: string, port: string): Promise<void> {
  const lan = layout.segmentNamespace;
  await ipIn(lan, `link add ${port} type veth peer name eth0 netns ${namespace}`, `link set ${port} master br0 up`);
}

async function ip(...commands: readonly string[]): Promise<void> {
  await run('ip', ['-batch', '-'], { input: `${commands.join('\n')}\n` });
}

async function ipIn(namespace: string, ...commands: readonly string[]): Promise<void> {
  await run('ip', ['-n', namespace, '-batch', '-'], { input: `${commands.join('\n')}\n` });
}

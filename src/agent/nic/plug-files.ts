/**
 * The plug script of an instance, the two files it reads and the one it complains to: pure. The script is run by LXC when
 * a container starts (`lxc.hook.start-host`, also when the guest reboots itself) and by CRIU when it is restored (stage
 * setup-namespaces). It is the same for all; what differs is data, and every word of that data was checked by `planNics`.
 */
import type { Config } from '../../domain/instance.ts';
import type { Nic } from './plan.ts';

/** File names in the instance's LXC folder. */
export const PLUG_FILES = {
  script: 'plug',
  nics: 'plug.nics',
  inside: 'plug.inside',
  settings: 'plug.sysctl',
  mounts: 'plug.mounts',
  errors: 'plug.errors',
} as const;

/** Lays things of the host into the mounts of a container. */
export const MOUNTS = new URL('../devices/bin/mounts', import.meta.url).pathname;

/** A NIC whose MTU is settled: its own, or its bridge's. */
export type SettledNic = Nic & { readonly mtu: number };

/**
 * The inner end is made where it belongs: moving it there instead would take the kernel 15 to 30 ms. A pair of before may
 * still be there: it dies with its network namespace, but late. After a restore the outer end is in no bridge yet: the
 * instance must not be heard before the move is decided.
 */
export const PLUG_SCRIPT = `#!/bin/sh
# Makes the NICs listed beside this file in the network namespace of process LXC_PID (a start) or CRTOOLS_INIT_PID (a
# restore). Written by the Berth agent; changes are overwritten.
set -e
cd "\${0%/*}"
# CRIU closes standard input, and nsenter of util-linux 2.41 then silently stays in the namespace it is in.
exec </dev/null 2>${PLUG_FILES.errors}
pid=\${CRTOOLS_INIT_PID:-$LXC_PID}
while read -r host name mac mtu kind bridge; do
  [ ! -e "/sys/class/net/$host" ] || ip link del "$host" || true
  if [ "$kind" = macvlan ]; then
    echo "link add link $bridge name $name address $mac mtu $mtu netns $pid type macvlan mode bridge"
    continue
  fi
  echo "link add $host mtu $mtu type veth peer name $name address $mac mtu $mtu netns $pid"
  [ -n "$CRTOOLS_INIT_PID" ] || [ -z "$bridge" ] || echo "link set $host master $bridge"
  echo "link set $host up"
done <${PLUG_FILES.nics} | ip -batch -
if [ -z "$CRTOOLS_INIT_PID" ] && [ -s ${PLUG_FILES.mounts} ]; then '${MOUNTS}' all "$pid" ${PLUG_FILES.mounts}; fi
[ -s ${PLUG_FILES.settings} ] || exec nsenter -t "$pid" -n ip -batch ${PLUG_FILES.inside}
nsenter -t "$pid" -n ip -batch ${PLUG_FILES.inside}
# Only its own root may set what is of its IPC namespace; a privileged one has the host's users.
[ "/proc/$pid/ns/user" -ef /proc/self/ns/user ] && users= || users=-U
exec nsenter -t "$pid" -n -i $users sh -ec 'while read -r file value; do echo "$value" >"/proc/sys/$file"; done' <${PLUG_FILES.settings}
`;

/** `linux.sysctl.*`, one a line, as the script reads them: of its network and IPC namespaces, the domain lets no other pass. */
export function settingsFile(config: Config): string {
  return Object.entries(config)
    .filter(([key, value]) => key.startsWith(SYSCTL) && value !== '')
    .map(([key, value]) => `${key.slice(SYSCTL.length).replaceAll('.', '/')} ${value}\n`)
    .join('');
}

const SYSCTL = 'linux.sysctl.';

/** One NIC a line, as the script reads it. */
export function nicsFile(nics: readonly SettledNic[]): string {
  return nics.map(nic => `${nic.host} ${nic.name} ${nic.mac} ${nic.mtu} ${nic.kind} ${nic.bridge}\n`).join('');
}

/** What the script says to `ip` for one NIC, for an instance that runs already; it joins its bridge afterwards. */
export function plugLines({ host, name, mac, mtu, kind, bridge }: SettledNic, pid: number): readonly string[] {
  if (kind === 'macvlan')
    return [`link add link ${bridge} name ${name} address ${mac} mtu ${mtu} netns ${pid} type macvlan mode bridge`];
  return [
    `link add ${host} mtu ${mtu} type veth peer name ${name} address ${mac} mtu ${mtu} netns ${pid}`,
    `link set ${host} up`,
  ];
}

/** What `ip -batch` does inside. */
export function insideFile(nics: readonly Nic[]): string {
  return ['link set lo up', ...nics.flatMap(insideLines)].map(line => `${line}\n`).join('');
}

/** @param index among all cards of the instance */
export function insideLines({ name, addresses }: Nic, index: number): readonly string[] {
  return [
    // nodad: the address came with the instance, nobody else has it, and services inside must not wait for it.
    ...addresses.map(({ address, prefix }) =>
      address.includes(':')
        ? `address add ${address}/${prefix} dev ${name} nodad`
        : `address add ${address}/${prefix} broadcast + dev ${name}`,
    ),
    `link set ${name} up`,
    ...addresses.flatMap(({ gateway }) =>
      // The first card's way out is taken; two routes of one metric would be one too many for the kernel.
      gateway === undefined
        ? []
        : [`route add default via ${gateway} dev ${name}${index === 0 ? '' : ` metric ${index}`}`],
    ),
  ];
}

/**
 * The plug script of an instance, the two files it reads and the one it complains to: pure. The script is run by LXC when a container starts
 * (`lxc.hook.start-host`, also when the guest reboots itself) and by CRIU when it is restored (stage setup-namespaces).
 * It is the same for all; what differs is data, and every word of that data was checked by `planNics`.
 */
import type { Nic } from './plan.ts';

/** File names in the instance's LXC folder. */
export const PLUG_FILES = { script: 'plug', nics: 'plug.nics', inside: 'plug.inside', errors: 'plug.errors' } as const;

/**
 * At a start the pair is made anew: the old one dies with the old network namespace, but late, so it may still be there.
 * For a restore whoever arms it makes the pair first and puts it into the bridge when the instance may be heard.
 */
export const PLUG_SCRIPT = `#!/bin/sh
# Puts the NICs listed beside this file into the network namespace of process LXC_PID (a start) or CRTOOLS_INIT_PID (a
# restore). Written by the Berth agent; changes are overwritten.
set -e
cd "\${0%/*}"
# CRIU closes standard input, and nsenter of util-linux 2.41 then silently stays in the namespace it is in.
exec </dev/null 2>${PLUG_FILES.errors}
pid=\${CRTOOLS_INIT_PID:-$LXC_PID}
while read -r host peer name bridge mac mtu; do
  if [ -z "$CRTOOLS_INIT_PID" ]; then
    ip link del "$host" 2>/dev/null || true
    [ "$mtu" != - ] || mtu=$(cat "/sys/class/net/$bridge/mtu")
    ip link add "$host" mtu "$mtu" type veth peer name "$peer" address "$mac" mtu "$mtu"
    ip link set "$host" master "$bridge" up
  fi
  ip link set "$peer" netns "$pid" name "$name"
done <${PLUG_FILES.nics}
exec nsenter -t "$pid" -n ip -batch ${PLUG_FILES.inside}
`;

/** One NIC a line, as the script reads it. */
export function nicsFile(nics: readonly Nic[]): string {
  return nics.map(nic => `${nic.host} ${nic.peer} ${nic.name} ${nic.bridge} ${nic.mac} ${nic.mtu ?? '-'}\n`).join('');
}

/** What \`ip -batch\` does inside. */
export function insideFile(nics: readonly Nic[]): string {
  const lines = nics.flatMap(({ name, addresses }) => [
    // nodad: the address came with the instance, nobody else has it, and services inside must not wait for it.
    ...addresses.map(({ address, prefix }) =>
      address.includes(':')
        ? `address add ${address}/${prefix} dev ${name} nodad`
        : `address add ${address}/${prefix} broadcast + dev ${name}`,
    ),
    `link set ${name} up`,
    ...addresses.flatMap(({ gateway }) =>
      gateway === undefined ? [] : [`route add default via ${gateway} dev ${name}`],
    ),
  ]);
  return ['link set lo up', ...lines].map(line => `${line}\n`).join('');
}

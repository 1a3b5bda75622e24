/**
 * What makes an image of a bare Debian: pure. Packages, files to write, files that must not be the same in all instances,
 * and what LXD wants to know of it.
 */
import type { Mirrors } from './mirror.ts';

/** Those that were moved between hosts while they ran. */
export const RELEASES = ['bookworm', 'trixie'] as const;
export const VARIANTS = ['systemd', 'minimal'] as const;

export interface DebianOrder {
  readonly release: (typeof RELEASES)[number];
  /** `minimal` has busybox for init, and no services. */
  readonly variant: (typeof VARIANTS)[number];
  /** Packages on top. */
  readonly include: readonly string[];
  readonly mirrors: Mirrors;
  /** With the drop-in that keeps services movable, see docs/systemd.md. */
  readonly movable: boolean;
}

/** By path in the root, without the leading slash. */
export type Files = Readonly<Record<string, string>>;

const NUMBERS = { bookworm: 12, trixie: 13 } as const satisfies Record<DebianOrder['release'], number>;

const PACKAGES = {
  systemd: ['systemd-sysv', 'dbus', 'iproute2', 'iputils-ping', 'netbase', 'procps'],
  minimal: ['busybox'],
} as const satisfies Record<DebianOrder['variant'], readonly string[]>;

export function packagesOf({ variant, include }: DebianOrder): readonly string[] {
  return [...PACKAGES[variant], ...include];
}

/** Where the image, and the instances made of it, take packages from. */
export function aptSources({ release, mirrors: { main, security } }: DebianOrder): Files {
  const paragraph = (uri: string, suites: string) =>
    `Types: deb\nURIs: ${uri}\nSuites: ${suites}\nComponents: main\nSigned-By: ${KEYRING}\n`;
  return {
    'etc/apt/sources.list.d/debian.sources': [
      paragraph(main, `${release} ${release}-updates`),
      ...(security === undefined ? [] : [paragraph(security, `${release}-security`)]),
    ].join('\n'),
  };
}

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';

/** While packages are installed nothing of theirs may start: it would run on this machine. */
export const NO_SERVICES: Files = { 'usr/sbin/policy-rc.d': '#!/bin/sh\nexit 101\n' };

/** Patterns of what was only needed to build, and of what every instance must have of its own. */
export const LEAVE_OUT: readonly string[] = [
  ...Object.keys(NO_SERVICES),
  'etc/apt/sources.list',
  'etc/{hostname,hosts,machine-id,resolv.conf}',
  'etc/ssh/ssh_host_*_key*',
  'etc/ssl/{private/ssl-cert-snakeoil.key,certs/ssl-cert-snakeoil.pem}',
  'etc/.pwd.lock',
  'var/cache/apt/{archives/*.deb,*.bin}',
  'var/cache/debconf/*-old',
  'var/cache/ldconfig/aux-cache',
  'var/lib/apt/lists/*',
  'var/lib/dbus/machine-id',
  'var/lib/dpkg/*-old',
  'var/lib/systemd/{random-seed,credential.secret}',
  'var/log/{apt/*,*.log}',
];

/** Hostname and hosts come from templates; systemd fills an empty machine-id at the first boot. */
export function filesOf({ release, variant, movable }: DebianOrder, has: (path: string) => boolean): Files {
  return {
    'etc/resolv.conf': '',
    ...(variant === 'minimal'
      ? { 'etc/inittab': '::sysinit:/bin/hostname -F /etc/hostname\n' }
      : { 'etc/machine-id': '' }),
    ...(variant === 'systemd' && movable ? movableFiles(release) : {}),
    ...(variant === 'systemd' && has('usr/sbin/sshd') ? { [HOST_KEYS]: OWN_HOST_KEYS } : {}),
    ...(variant === 'systemd' && has('usr/sbin/make-ssl-cert') ? OWN_CERTIFICATE : {}),
  };
}

export const LINKS: Readonly<Record<DebianOrder['variant'], Files>> = {
  systemd: {},
  minimal: { 'usr/sbin/init': '../bin/busybox' },
};

/** What a host cannot do from outside; docs/systemd.md says what each line costs. */
function movableFiles(release: DebianOrder['release']): Files {
  return {
    'etc/systemd/system/service.d/berth-movable.conf': `# CRIU cannot save a user namespace within that of the container.
${MOVABLE_NOTE}[Service]
PrivateUsers=no
`,
    // Debian 12's systemd does not know it yet.
    ...(release === 'bookworm' ? {} : { 'etc/systemd/system.conf.d/berth-movable.conf': NO_PRESSURE_WATCH }),
  };
}

const MOVABLE_NOTE = `# So that this container can move to another host while it runs. Delete this file if that does not matter; see
# docs/systemd.md of Berth.
`;
const NO_PRESSURE_WATCH = `# CRIU cannot save a watch of memory pressure: restored, it reports errors without end.
${MOVABLE_NOTE}[Manager]
DefaultMemoryPressureWatch=off
`;

const HOST_KEYS = 'etc/systemd/system/ssh.service.d/berth-host-keys.conf';
const OWN_HOST_KEYS = `# Every instance makes host keys of its own: the image has none.
[Service]
ExecStartPre=
ExecStartPre=/usr/bin/ssh-keygen -A
ExecStartPre=/usr/sbin/sshd -t
`;

/** Of the package ssl-cert, which PostgreSQL and mail servers begin with; before any service, for any may want it. */
const OWN_CERTIFICATE: Files = {
  'etc/systemd/system/berth-own-certificate.service': `# Every instance makes a certificate of its own: the image has none.
[Unit]
ConditionPathExists=!/etc/ssl/private/ssl-cert-snakeoil.key
DefaultDependencies=no
After=sysinit.target
Before=basic.target
[Service]
Type=oneshot
ExecStartPre=/usr/bin/find /etc/ssl/certs -xtype l -delete
ExecStart=/usr/sbin/make-ssl-cert generate-default-snakeoil
`,
  'etc/systemd/system/basic.target.d/berth-own-certificate.conf': '[Unit]\nWants=berth-own-certificate.service\n',
};

const TEMPLATES: Files = {
  'hostname.tpl': '{{ container.name }}\n',
  'hosts.tpl': `127.0.0.1 localhost
127.0.1.1 {{ container.name }}
::1 localhost ip6-localhost ip6-loopback
ff02::1 ip6-allnodes
ff02::2 ip6-allrouters
`,
};

/** What stands beside `rootfs/` in LXD's unified image. @param createdS seconds since the epoch */
export function descriptionOf({ release, variant }: DebianOrder, architecture: string, createdS: number) {
  const when = ['create', 'copy', 'rename'];
  return {
    metadata: {
      architecture,
      creation_date: createdS,
      properties: {
        os: 'Debian',
        release,
        variant,
        architecture,
        serial: new Date(createdS * 1000).toISOString().slice(0, 10).replaceAll('-', ''),
        description: `Debian ${NUMBERS[release]} ${release} (${variant})`,
      },
      templates: {
        '/etc/hostname': { when, template: 'hostname.tpl' },
        '/etc/hosts': { when, template: 'hosts.tpl' },
      },
    },
    templates: TEMPLATES,
  };
}

/**
 * LXD 5.0.2 measured on the same kind of machine (2 cores, 24 GiB, same kernel), with a 1 MB busybox image, by the
 * lxc client unless it says REST. Median (min-max) in ms. Its btrfs column has no network card, its NIC column is on the
 * dir driver, so neither is the whole of what Berth does here (btrfs and a card); both are given.
 */
const LXD = 'LXD btrfs, no card';
const LXD_NIC = 'LXD dir, card';
const LXD_CLUSTER = 'LXD cluster of 3';

export const PEERS = {
  init: { [LXD]: '58 (47-70)', [LXD_NIC]: '131 (78-171)', [LXD_CLUSTER]: '169 (136-361)' },
  launch: { [LXD]: '193 (171-215)', [LXD_NIC]: '431 (371-603)' },
  start: { [LXD]: '198 (141-276)', [LXD_NIC]: '166 (152-187)' },
  exec: { [LXD]: '34 (24-72)', [LXD_NIC]: '50 (26-68)', [LXD_CLUSTER]: '135' },
  stop: { [LXD]: '624 (607-672)', [LXD_NIC]: '720 (655-930)' },
  delete: { [LXD]: '36 (29-43)', [LXD_NIC]: '39 (32-89)' },
  /** REST, 8 at once, the dir driver: creation and start were measured apart, a launch is one after the other. */
  create: { [LXD_NIC]: '22-27 /s (no card)', [LXD_CLUSTER]: '8.5 /s, latency 863' },
  launches: { [LXD_NIC]: 'start alone 13.0 /s, latency 594 (no card)' },
  deletions: { [LXD_NIC]: '60.2 /s (no card)' },
  /** lxc list, every instance stopped. */
  list: {
    10: { [LXD_NIC]: '36' },
    30: { [LXD_CLUSTER]: '169' },
    100: { [LXD_NIC]: '277' },
    300: { [LXD_NIC]: '799' },
  } as Readonly<Record<number, Readonly<Record<string, string>>>>,
  /** GET instances?recursion=2. */
  listRest: {
    10: { [LXD_NIC]: '28' },
    100: { [LXD_NIC]: '223' },
    300: { [LXD_NIC]: '811' },
  } as Readonly<Record<number, Readonly<Record<string, string>>>>,
} as const;

/** Everything that the cluster keeps true, besides `observe`, which is a stream and not a run. */
import { autostart } from './autostart.ts';
import { backupExpiry } from './backup-expiry.ts';
import { cachedImages } from './cached-images.ts';
import { ephemeral } from './ephemeral.ts';
import { equip } from './equip.ts';
import { expire } from './expire.ts';
import { networks } from './networks.ts';
import type { Reconciler } from './reconciler.ts';
import { settle } from './settle.ts';
import { snapshotExpiry } from './snapshot-expiry.ts';
import { snapshotSchedule } from './snapshot-schedule.ts';
import { sweep } from './sweep.ts';
import { tellEnds } from './tell-ends.ts';
import { volumeExpiry } from './volume-expiry.ts';
import { volumeSchedule } from './volume-schedule.ts';
import { warnings } from './warnings.ts';

/** Made anew for each time as leader: what they remember is not worth more. */
export function makeReconcilers(): readonly Reconciler[] {
  return [
    settle,
    autostart,
    ephemeral,
    tellEnds(),
    sweep(),
    equip,
    networks(),
    expire,
    snapshotExpiry,
    snapshotSchedule(),
    backupExpiry,
    volumeExpiry,
    volumeSchedule(),
    cachedImages,
    warnings,
  ];
}

/** The table of what can be asked of storage volumes. */
import type { Route } from '../../http/route.ts';
import type { Lxd } from '../context.ts';
import { patched, withoutEmpty } from '../fields.ts';
import {
  exportVolumeBackup,
  listVolumeBackups,
  makeVolumeBackup,
  oneVolumeBackup,
  removeVolumeBackup,
  renameVolumeBackup,
} from './backups.ts';
import {
  editVolumeSnapshot,
  listVolumeSnapshots,
  makeVolumeSnapshot,
  oneVolumeSnapshot,
  removeVolumeSnapshot,
  renameVolumeSnapshot,
} from './snapshots.ts';
import {
  changeVolume,
  listVolumes,
  makeVolume,
  oneVolume,
  removeVolume,
  renameOrMove,
  volumeState,
} from './volumes.ts';

export function volumeRoutes(lxd: Lxd): readonly Route[] {
  const all = '/1.0/storage-pools/:name/volumes';
  const ofType = `${all}/:type`;
  const one = `${ofType}/:volume`;
  const snapshots = `${one}/snapshots`;
  const snapshot = `${snapshots}/:snapshot`;
  const backups = `${one}/backups`;
  const backup = `${backups}/:backup`;
  const route = (method: Route['method'], path: string, handle: Route['handle']): Route => ({
    method,
    path,
    access: 'trusted',
    handle,
  });
  return [
    route('GET', all, request => listVolumes(lxd, request)),
    route('POST', all, request => makeVolume(lxd, request)),
    route('GET', ofType, request => listVolumes(lxd, request)),
    route('POST', ofType, request => makeVolume(lxd, request)),
    route('GET', one, request => oneVolume(lxd, request)),
    route('PUT', one, request => changeVolume(lxd, request, (_old, sent) => withoutEmpty(sent))),
    route('PATCH', one, request => changeVolume(lxd, request, patched)),
    route('POST', one, request => renameOrMove(lxd, request)),
    route('DELETE', one, request => removeVolume(lxd, request)),
    route('GET', `${one}/state`, request => volumeState(lxd, request)),
    route('GET', snapshots, request => listVolumeSnapshots(lxd, request)),
    route('POST', snapshots, request => makeVolumeSnapshot(lxd, request)),
    route('GET', snapshot, request => oneVolumeSnapshot(lxd, request)),
    route('PUT', snapshot, request => editVolumeSnapshot(lxd, request)),
    route('PATCH', snapshot, request => editVolumeSnapshot(lxd, request)),
    route('POST', snapshot, request => renameVolumeSnapshot(lxd, request)),
    route('DELETE', snapshot, request => removeVolumeSnapshot(lxd, request)),
    route('GET', backups, request => listVolumeBackups(lxd, request)),
    route('POST', backups, request => makeVolumeBackup(lxd, request)),
    route('GET', backup, request => oneVolumeBackup(lxd, request)),
    route('POST', backup, request => renameVolumeBackup(lxd, request)),
    route('DELETE', backup, request => removeVolumeBackup(lxd, request)),
    route('GET', `${backup}/export`, request => exportVolumeBackup(lxd, request)),
  ];
}

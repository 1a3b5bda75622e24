/** Everything that the cluster does on command. A saga that is listed here is repeated, failed and crashed by the tests. */
import type { Saga } from '../saga/saga.ts';
import { createBackup, deleteBackup, renameBackup } from './backups.ts';
import { changeMany } from './change-many.ts';
import { changeSnapshot } from './change-snapshot.ts';
import { freezeInstance, restartInstance, startInstance, stopInstance, unfreezeInstance } from './change-state.ts';
import { copyElsewhere } from './copy-elsewhere.ts';
import { copyInstance } from './copy-instance.ts';
import { createFromStore } from './create-from-store.ts';
import { createInstance } from './create-instance.ts';
import { createSnapshot } from './create-snapshot.ts';
import { deleteImage } from './delete-image.ts';
import { deleteInstance } from './delete-instance.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { evacuateNode, restoreNode } from './evacuate-node.ts';
import { fetchImage } from './fetch-image.ts';
import { forgetInstance } from './forget-instance.ts';
import { importImage } from './import-image.ts';
import { importInstance } from './import-instance.ts';
import { migrateCold } from './migrate-cold.ts';
import { migrateLive } from './migrate-live.ts';
import { publishImage } from './publish-image.ts';
import { relocate } from './relocate.ts';
import { removeNode } from './remove-node.ts';
import { renameInstance } from './rename-instance.ts';
import { renameProject } from './rename-project.ts';
import { restoreSnapshot } from './restore-snapshot.ts';
import { startStateful, stopStateful } from './stateful-power.ts';
import { sweepInstance } from './sweep-instance.ts';
import { updateInstance } from './update-instance.ts';
import { backupVolume } from './volumes/backup-volume.ts';
import { changeVolume } from './volumes/change-volume.ts';
import { copyVolume } from './volumes/copy-volume.ts';
import { deleteVolume } from './volumes/delete-volume.ts';
import { importVolume } from './volumes/import-volume.ts';
import { moveVolume } from './volumes/move-volume.ts';
import { createVolumeSnapshot, deleteVolumeSnapshot, restoreVolume } from './volumes/snapshots.ts';

export const SAGA_TABLES: readonly Saga[] = [
  createInstance,
  copyInstance,
  copyElsewhere,
  startInstance,
  stopInstance,
  restartInstance,
  freezeInstance,
  unfreezeInstance,
  changeMany,
  stopStateful,
  startStateful,
  updateInstance,
  renameInstance,
  deleteInstance,
  createSnapshot,
  changeSnapshot,
  restoreSnapshot,
  deleteSnapshot,
  createBackup,
  renameBackup,
  deleteBackup,
  importInstance,
  migrateLive,
  migrateCold,
  relocate,
  evacuateNode,
  restoreNode,
  removeNode,
  forgetInstance,
  renameProject,
  importImage,
  fetchImage,
  createFromStore,
  publishImage,
  deleteImage,
  sweepInstance,
  changeVolume,
  copyVolume,
  deleteVolume,
  moveVolume,
  createVolumeSnapshot,
  deleteVolumeSnapshot,
  restoreVolume,
  backupVolume,
  importVolume,
];

/** Binds the verbs on backups to the wire. */
import type { AgentServer } from '../../rpc/agent-services.ts';
import type { Host } from '../host.ts';
import type { ImageStore } from '../image/image-store.ts';
import { progressOf } from '../progress.ts';
import { parseRef } from '../spec.ts';
import type { Verb } from '../verb.ts';
import { removeBackup } from './backup-file.ts';
import { ensureBackup } from './backups.ts';
import { examineBackup } from './read-backup.ts';

export function backupService(host: Host, store: ImageStore, verb: Verb) {
  return {
    ensureBackup: request =>
      progressOf(async report => {
        await verb('ensureBackup', parseRef(request.ref), () => ensureBackup(host, request, report));
      }),
    async ensureNoBackup({ backup }) {
      await removeBackup(host, backup);
      return {};
    },
    async examineBackup({ upload }) {
      return { ...(await examineBackup(await store.uploadPath(upload, 'meta'))) };
    },
  } satisfies Partial<AgentServer>;
}

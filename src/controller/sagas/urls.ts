/** What operations say they work on: LXD's resource URLs, under the names that old and new clients look for. */

export type Resources = Readonly<Record<string, readonly string[]>>;

export function instanceResources(project: string, ...names: readonly string[]): Resources {
  const urls = (path: string) => names.map(name => url(`/1.0/${path}/${encodeURIComponent(name)}`, project));
  return { instances: urls('instances'), containers: urls('containers') };
}

export function snapshotResources(project: string, instance: string, snapshot: string): Resources {
  const path = `/1.0/instances/${encodeURIComponent(instance)}/snapshots/${encodeURIComponent(snapshot)}`;
  return { ...instanceResources(project, instance), instances_snapshots: [url(path, project)] };
}

/** `backups` without project or instance, for that is how clients read the backup's name out of it. */
export function backupResources(project: string, instance: string, backup: string): Resources {
  return { ...instanceResources(project, instance), backups: [`/1.0/backups/${encodeURIComponent(backup)}`] };
}

export function imageResources(project: string, fingerprint: string): Resources {
  return { images: [url(`/1.0/images/${fingerprint}`, project)] };
}

export function volumeResources(project: string, pool: string, volume: string): Resources {
  const path = `/1.0/storage-pools/${encodeURIComponent(pool)}/volumes/custom/${encodeURIComponent(volume)}`;
  return { storage_volumes: [url(path, project)] };
}

export function memberResources(node: string): Resources {
  return { 'cluster-members': [`/1.0/cluster/members/${encodeURIComponent(node)}`] };
}

function url(path: string, project: string): string {
  return project === 'default' ? path : `${path}?project=${encodeURIComponent(project)}`;
}

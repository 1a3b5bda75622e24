/**
 * What we announce. Each name changes how clients behave, so that only what works may be here; LXD's names for what is
 * LXD's, and names beginning with `berth_` for what is ours.
 */
export const API_EXTENSIONS = [
  // paths and lists
  'instances',
  'api_filtering',
  'container_full',
  'instance_get_full',
  'instance_all_projects',
  'instance_bulk_state_change',
  'etag',
  'patch',
  'event_lifecycle',
  'event_location',
  'event_project',
  'operation_description',
  'id_map',
  'container_exec_recording',
  'container_exec_signal_handling',
  'container_exec_user_group_cwd',
  'exec_recording',
  'file_delete',
  // snapshots
  'snapshot_expiry',
  'snapshot_expiry_creation',
  'container_only_migration',
  // cluster
  'clustering',
  'clustering_join_token',
  'clustering_evacuation',
  'clustering_failure_domains',
  'clustering_groups',
  'cluster_internal_copy',
  // things
  'storage',
  'resources',
  'resources_v2',
  'network',
  'network_state',
  'instance_nic_network',
  'profile_usedby',
  'projects',
  'image_create_aliases',
  'certificate_update',
  'certificate_token',
  'certificate_project',
  'metrics',
  'warnings',
  // ours
  'berth_placement',
  'berth_dry_run',
  'berth_move_check',
  'berth_move_mode',
  'berth_doctor',
  'berth_cluster_join',
] as const;

import type { Command } from 'commander';
import type { Session } from './session.ts';

/** Gives a command its arguments, options, subcommands and actions. */
export type Define = (command: Command, session: Session) => void;

/**
 * Every command of `berth`, in the order of --help. Only the module of the command that was typed is loaded: start-up
 * time is what a CLI is judged by first.
 */
export interface CommandEntry {
  readonly name: string;
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<{ readonly define: Define }>;
  readonly hidden?: true;
}

const INSTANCES = 'Instances:';
const CLUSTER = 'Cluster:';
const PARTS = 'What instances are made of:';
const TOOL = 'This tool:';

// biome-ignore format: one command a line
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'launch', summary: 'Create an instance from an image and start it', group: INSTANCES, load: () => import('./commands/launch.ts') },
  { name: 'init', aliases: ['create'], summary: 'Create an instance without starting it; without an image: set up the server', group: INSTANCES, load: () => import('./commands/init.ts') },
  { name: 'list', aliases: ['ls'], summary: 'List instances', group: INSTANCES, load: () => import('./commands/list.ts') },
  { name: 'info', summary: 'Show the state of an instance, or of the server', group: INSTANCES, load: () => import('./commands/info.ts') },
  { name: 'exec', summary: 'Run a command in an instance', group: INSTANCES, load: () => import('./commands/exec.ts') },
  { name: 'file', summary: 'Push, pull, edit and delete files in an instance', group: INSTANCES, load: () => import('./commands/file.ts') },
  { name: 'console', summary: 'Log in to an instance on a terminal of its own', group: INSTANCES, load: () => import('./commands/console.ts') },
  { name: 'shell', summary: 'Open a login shell in an instance', group: INSTANCES, load: () => import('./commands/shell.ts') },
  { name: 'start', summary: 'Start instances', group: INSTANCES, load: () => import('./commands/start.ts') },
  { name: 'stop', summary: 'Stop instances', group: INSTANCES, load: () => import('./commands/stop.ts') },
  { name: 'restart', summary: 'Restart instances', group: INSTANCES, load: () => import('./commands/restart.ts') },
  { name: 'pause', aliases: ['freeze'], summary: 'Freeze instances: they keep their memory and get no CPU', group: INSTANCES, load: () => import('./commands/pause.ts') },
  { name: 'move', aliases: ['mv'], summary: 'Move an instance to another host while it runs, or rename it', group: INSTANCES, load: () => import('./commands/move.ts') },
  { name: 'copy', aliases: ['cp'], summary: 'Copy an instance or a snapshot of it', group: INSTANCES, load: () => import('./commands/copy.ts') },
  { name: 'snapshot', summary: 'Remember an instance as it is now, with its memory if wished', group: INSTANCES, load: () => import('./commands/snapshot.ts') },
  { name: 'restore', summary: 'Put an instance back to a snapshot; or an evacuated host back to work', group: INSTANCES, load: () => import('./commands/restore.ts') },
  { name: 'rename', summary: 'Rename an instance or a snapshot', group: INSTANCES, load: () => import('./commands/rename.ts') },
  { name: 'delete', aliases: ['rm'], summary: 'Delete instances and snapshots', group: INSTANCES, load: () => import('./commands/delete.ts') },
  { name: 'export', summary: 'Put an instance with its snapshots into an archive', group: INSTANCES, load: () => import('./commands/export.ts') },
  { name: 'publish', summary: 'Make an image of an instance or a snapshot', group: INSTANCES, load: () => import('./commands/publish.ts') },
  { name: 'import', summary: 'Make an instance of an archive', group: INSTANCES, load: () => import('./commands/import.ts') },
  { name: 'explain', summary: 'Tell why an instance is where it is, host by host', group: INSTANCES, load: () => import('./commands/explain.ts') },
  { name: 'config', summary: 'Show and change the configuration of instances and of the server', group: PARTS, load: () => import('./commands/config.ts') },
  { name: 'profile', summary: 'Manage profiles', group: PARTS, load: () => import('./commands/profile.ts') },
  { name: 'image', summary: 'Manage images', group: PARTS, load: () => import('./commands/image.ts') },
  { name: 'network', summary: 'Manage networks', group: PARTS, load: () => import('./commands/network.ts') },
  { name: 'storage', summary: 'Manage storage pools', group: PARTS, load: () => import('./commands/storage.ts') },
  { name: 'project', summary: 'List projects and choose one', group: PARTS, load: () => import('./commands/project.ts') },
  { name: 'cluster', summary: 'Manage the hosts of the cluster', group: CLUSTER, load: () => import('./commands/cluster.ts') },
  { name: 'evacuate', aliases: ['drain'], summary: 'Empty a host: its instances move elsewhere', group: CLUSTER, load: () => import('./commands/evacuate.ts') },
  { name: 'doctor', summary: 'Check what each host can do, and say what to do about what it cannot', group: CLUSTER, load: () => import('./commands/doctor.ts') },
  { name: 'agent', summary: 'Make this machine a host of a cluster', group: CLUSTER, load: () => import('./commands/agent.ts') },
  { name: 'operation', summary: 'List, show and cancel work in progress', group: CLUSTER, load: () => import('./commands/operation.ts') },
  { name: 'warning', summary: 'List, acknowledge and delete what is wrong', group: CLUSTER, load: () => import('./commands/warning.ts') },
  { name: 'monitor', summary: 'Follow the events of a server', group: CLUSTER, load: () => import('./commands/monitor.ts') },
  { name: 'remote', summary: 'Manage the servers this tool knows', group: TOOL, load: () => import('./commands/remote.ts') },
  { name: 'alias', summary: 'Manage words of your own that stand for others', group: TOOL, load: () => import('./commands/alias.ts') },
  { name: 'query', summary: 'Send a raw request to the API', group: TOOL, load: () => import('./commands/query.ts') },
  { name: 'completion', summary: 'Print the completion script of a shell', group: TOOL, load: () => import('./commands/completion.ts') },
  { name: 'version', summary: 'Print the versions of this tool and of the server', group: TOOL, load: () => import('./commands/version.ts') },
  { name: '__complete', summary: 'Answer a shell that completes a line', group: TOOL, hidden: true, load: () => import('./commands/complete.ts') },
];

export function findCommand(word: string | undefined): CommandEntry | undefined {
  return COMMANDS.find(entry => entry.name === word || entry.aliases?.includes(word ?? ''));
}

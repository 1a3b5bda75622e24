import { networkInterfaces } from 'node:os';
import { AppError } from '../../domain/errors.ts';
import type { Define } from '../command-table.ts';
import { type AgentOptions, joinCluster } from '../setup/join-cluster.ts';

export const define: Define = (command, session) => {
  command
    .command('join')
    .description('Make this machine a host of the cluster that the token is from')
    .argument('<token>', 'from `berth cluster add NAME`')
    .option('--data <folder>', 'where the agent keeps what it knows', '/var/lib/berth/agent')
    .option(
      '--address <ip:port>',
      'where the controller and the other hosts reach this one (default: its first address, port 8444)',
    )
    .action(async (token: string, options: { data: string; address?: string }) => {
      const chosen: AgentOptions = { data: options.data, address: options.address ?? `${firstAddress()}:8444` };
      session.exitCode = await joinCluster(token, chosen);
      if (session.exitCode === 0)
        session.print('This machine has joined. Start its agent: systemctl enable --now berth-agent');
    });
};

function firstAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap(list => list ?? []);
  const found = addresses.find(a => !a.internal && a.family === 'IPv4');
  if (found === undefined)
    throw new AppError('invalid', 'This machine has no address: give one with --address IP:PORT');
  return found.address;
}

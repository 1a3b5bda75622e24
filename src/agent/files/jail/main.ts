/**
 * The process that touches a guest's files: started as the guest's own root (its id map, few capabilities), it shuts
 * itself into the folder it was given as descriptor 3 and speaks SFTP on its standard streams. Whatever a guest may
 * do to it, it can reach nothing that the guest's root could not.
 */
import { requestHandlers } from './requests.ts';
import { serveSftp } from './serve.ts';
import { enterJail } from './system.ts';

process.umask(0);
const { stdin, stdout } = process; // made now: nothing may be loaded from the guest's root
const jail = enterJail(3);
stdout.write('+');
try {
  await serveSftp(stdin, stdout, requestHandlers(jail));
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}

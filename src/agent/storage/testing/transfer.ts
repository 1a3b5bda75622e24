/** For tests of transfers: both ends in one process, and what must be equal of two trees. */
import { duplexPair } from 'node:stream';
import { type Channel, createChannel } from '../../../rpc/data/channel.ts';
import { serve } from '../../../rpc/data/serve.ts';
import { run } from '../../command.ts';
import type { VolumeReceiver } from '../transfer.ts';

/** A channel to a receiver in this process. */
export function channelTo(receiver: VolumeReceiver): Channel {
  const [near, far] = duplexPair();
  const answering = createChannel(far, 'berth://agent/source');
  serve(answering, receiver.answer).then(answering.close, () => {});
  return createChannel(near, 'berth://agent/target');
}

/** Everything a file system shows of a tree; two copies must agree in it. */
export async function listing(root: string, base: number): Promise<string> {
  const find = ['.', '-printf', '%y %m %U %G %s %T@ %n %l %P\\0'];
  const { stdout } = await run('find', find, { cwd: root });
  const lines = stdout.split('\0').filter(line => line !== '');
  const plain = lines.map(line => {
    const [type, mode, user, group, size, time, links, ...names] = line.split(' ');
    // Size and links of a folder are the file system's own affair.
    const own = type === 'd' ? [] : [size, links];
    const path = names.join(' ');
    // btrfs receive makes its temporary names in the root, and leaves its time like that.
    const changed = path === ' ' ? '' : time;
    return [type, mode, Number(user) - base, Number(group) - base, changed, path, ...own].join(' ');
  });
  const sums = await run('sh', ['-c', 'find . -type f -print0 | sort -z | xargs -0 -r sha256sum'], { cwd: root });
  const extra = await run(
    'sh',
    ['-c', 'find . -print0 | sort -z | xargs -0 getfattr -h -d -m "^(user|trusted|system)" 2>/dev/null; getcap -r .'],
    { cwd: root },
  );
  return [...plain.sort(), sums.stdout, extra.stdout].join('\n');
}

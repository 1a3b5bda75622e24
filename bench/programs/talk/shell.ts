/** A shell at the other end of a command (ssh with a terminal): told to say a number, and it says it. */
import { spawn } from 'node:child_process';
import type { Talk } from './talk.ts';

/** @param words the command that opens the shell */
export async function shell([file, ...words]: readonly string[]): Promise<Talk> {
  const child = spawn(file!, words, { stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  let ended = false;
  let wake = () => {};
  const hear = (chunk: Buffer) => {
    said += chunk;
    wake();
  };
  child.stdout.on('data', hear);
  child.stderr.on('data', hear);
  child.once('close', () => {
    ended = true;
    wake();
  });
  const heard = async (text: string): Promise<void> => {
    while (!said.includes(text)) {
      if (ended) throw new Error(`the session has ended: ${said.slice(-200)}`);
      await new Promise<void>(resolve => {
        wake = resolve;
      });
    }
    said = said.slice(said.indexOf(text) + text.length);
  };
  child.stdin.write('stty -echo; PS1=; pid=$$; echo be""gin\n');
  await heard('begin');
  let n = 0;
  return {
    async ask() {
      n += 1;
      child.stdin.write(`echo "=$((${n} - 1 + 1))=$((pid - $$))="\n`);
      await heard(`=${n}=0=`);
    },
    async end() {
      child.stdin.end('exit\n');
      return '';
    },
  };
}

/** A line out, the same line and "ok" back: what the little servers of `guests/` say when all they hold is as it was. */
import { converse, type Parser } from '../../../deploy/demo/conversation.ts';
import type { Talk } from './talk.ts';

export async function lines(host: string, port: number): Promise<Talk> {
  const conversation = await converse(host, port);
  let n = 0;
  return {
    async ask() {
      n += 1;
      const answer = await conversation.ask(`${n}\n`, line);
      if (answer !== `${n} ok`) throw new Error(`"${answer}", not "${n} ok"`);
    },
    async end() {
      conversation.close();
      return '';
    },
  };
}

const line: Parser<string> = bytes => {
  const end = bytes.indexOf('\n');
  return end < 0 ? undefined : { value: bytes.toString('utf8', 0, end), length: end + 1 };
};

/** Redis: commands sent in one go, several deep, and each answer the next number. */
import { converse, type Parser } from '../../../deploy/demo/conversation.ts';
import type { Talk } from './talk.ts';

const DEPTH = 20;

export async function redis(host: string): Promise<Talk> {
  const conversation = await converse(host, 6379);
  let n = 0;
  return {
    async ask() {
      const answers = await conversation.ask('INCR counted\r\n'.repeat(DEPTH), replies);
      for (const answer of answers) {
        n += 1;
        if (answer !== `:${n}`) throw new Error(`${answer}, not :${n}`);
      }
    },
    async end() {
      conversation.close();
      return `${n} increments, ${DEPTH} in a pipeline`;
    },
  };
}

const replies: Parser<readonly string[]> = bytes => {
  const lines = bytes.toString('latin1').split('\r\n').slice(0, -1);
  if (lines.length < DEPTH) return undefined;
  const value = lines.slice(0, DEPTH);
  return { value, length: value.join('\r\n').length + 2 };
};

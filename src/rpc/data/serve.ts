/** The answering side of a conversation: one question after the other until the other end hangs up. */
import type { Body, Channel } from './channel.ts';

export type Answerer = (message: unknown, body: Body) => Promise<object>;

/** What `answer` throws is sent to the other end, which ends the conversation, and thrown here too. */
export async function serve(channel: Channel, answer: Answerer): Promise<void> {
  try {
    for (;;) {
      const question = await channel.receive();
      if (question === undefined) return;
      await channel.reply(await answer(question.message, question.body));
    }
  } catch (error) {
    await channel.refuse(error);
    throw error;
  }
}

/** UDP: a datagram out, the same back. What is lost in the pause is sent again, as every program on UDP has to. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { Talk } from './talk.ts';

const AGAIN_MS = 20;

export async function udp(host: string, port: number): Promise<Talk> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4');
  socket.connect(port, host);
  await once(socket, 'connect');
  let n = 0;
  let again = 0;
  return {
    async ask() {
      n += 1;
      const text = `${n}`;
      const answered = new Promise<void>((done, failed) => {
        socket.removeAllListeners('error').once('error', failed);
        socket.removeAllListeners('message').on('message', message => {
          if (message.toString() === text) done();
        });
      });
      socket.send(text);
      const timer = setInterval(() => {
        again += 1;
        socket.send(text);
      }, AGAIN_MS);
      await answered.finally(() => clearInterval(timer));
    },
    async end() {
      socket.close();
      return `${again} of ${n} datagrams sent again`;
    },
  };
}

/** HTTP with connections that are kept, timers, a worker thread and a file that is read in pieces. */
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { Worker } from 'node:worker_threads';

let ticks = 0;
setInterval(() => (ticks += 1), 10);
const worker = new Worker(
  "require('worker_threads').parentPort.on('message', function (n) { this.postMessage(n + 1) })",
  { eval: true },
);

createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  if (request.url === '/big') {
    response.setHeader('Content-Length', statSync('/var/www/big').size);
    return createReadStream('/var/www/big').pipe(response);
  }
  const before = ticks;
  worker.once('message', answer => {
    const right = answer === before + 1;
    response.setHeader('Content-Length', 6);
    response.end(right ? 'hello\n' : 'wrong\n');
  });
  worker.postMessage(before);
}).listen(80);

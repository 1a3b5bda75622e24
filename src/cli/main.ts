/** The process around one run of the CLI: real streams, exit code, and a quiet end when the reader of a pipe goes away. */
import { run } from './run.ts';

const { env, stdin, stdout, stderr } = process;
// bin/berth starts us with a compile cache; what we start (an editor, the agent) is none of its business.
delete process.env.NODE_COMPILE_CACHE;
/** As a shell reports a program that SIGPIPE ended. */
const BROKEN_PIPE = 141;

stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(BROKEN_PIPE);
  throw error;
});

const code = await run(process.argv.slice(2), { env, stdin, stdout, stderr });
// What is written must be out before the process ends; an open stdin must not keep it alive.
stdout.write('', () => stderr.write('', () => process.exit(code)));

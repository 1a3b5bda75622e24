/** CRIU says why it failed in its log, among lines that only repeat it or that it says on every run. */

const NOISE = [
  /^rlimit: Can't setup RLIMIT_NOFILE/, // without CAP_SYS_RESOURCE; harmless
  /^cg: cgroupd: recv req error/, // its helper was ended with it
  /^(Dumping|Restoring) FAILED/,
  /^Script .* exited with/,
  /^One of more action scripts failed/,
  /^exited, (status|signal)=/,
  /^Pre dump script failed/,
];

const ERROR = /Error \([^)]*\): (.*)$/; // also after the pid of a restored task

/** What went wrong, in CRIU's words: without time stamps, repetitions and noise; first cause first, at most five. */
export function errorsIn(log: string): readonly string[] {
  const said = log
    .split('\n')
    .map(line => ERROR.exec(line)?.[1]?.trim())
    .filter(text => text !== undefined && text !== '' && !NOISE.some(noise => noise.test(text)));
  return [...new Set(said as string[])].slice(0, 5);
}

/** Turns work that reports as it goes into the stream of messages that a caller reads. */
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProgressSchema } from '../rpc/gen/berth/agent/v1/agent_pb.ts';

type Progress = MessageInitShape<typeof ProgressSchema>;
export type Report = (progress: Progress) => void;

/**
 * Yields what `work` reports and at the end a message with `done` and what it returns; throws what it throws. A slow reader misses
 * intermediate reports, never the end. The work goes on if the reader leaves: verbs end by themselves.
 */
export async function* progressOf(work: (report: Report) => Promise<Progress | void>): AsyncGenerator<Progress> {
  let latest: Progress | undefined;
  let wake = () => {};
  let ended = false;
  const outcome = work(progress => {
    latest = progress;
    wake();
  }).finally(() => {
    ended = true;
    wake();
  });
  outcome.catch(() => {}); // thrown below, to whoever still reads
  while (!ended) {
    if (latest === undefined) await new Promise<void>(resolve => (wake = resolve));
    if (latest === undefined) continue;
    const report = latest;
    latest = undefined;
    yield report;
  }
  yield { phase: 'done', ...(await outcome), done: true };
}

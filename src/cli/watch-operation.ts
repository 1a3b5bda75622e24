import type { Client } from './api/client.ts';
import { openEvents } from './api/events.ts';
import { isFinal, type Operation, progressOf, succeeded, waitFor } from './api/operation.ts';
import { at } from './api/path.ts';
import { ProgressLine } from './render/progress.ts';
import type { Session } from './session.ts';

/** What is done sooner is not worth a flicker, nor a second connection. */
const SILENT_MS = 200;

/**
 * Waits for an operation with its progress on the terminal and Ctrl-C bound to its cancellation. Progress comes by
 * events and is a courtesy; the end comes from the API's wait (see `waitFor`), so a server without events still works.
 */
export async function watchOperation(
  session: Session,
  client: Client,
  label: string,
  operation: Operation,
): Promise<Operation> {
  if (isFinal(operation)) return succeeded(operation);
  const release = cancelOnInterrupt(session, client, operation);
  const hide =
    session.io.stderr.isTTY && !session.flags.quiet ? showProgress(session, client, label, operation) : () => {};
  try {
    return await waitFor(client, operation);
  } finally {
    hide();
    release();
  }
}

/** Returns the function that ends the show. */
function showProgress(session: Session, client: Client, label: string, operation: Operation): () => void {
  let over = false;
  let line: ProgressLine | undefined;
  let closeEvents = () => {};
  const start = async () => {
    line = new ProgressLine(session.io.stderr, label);
    line.update(progressOf(operation) ?? '');
    const stream = await openEvents(client, { type: 'operation' }, event => {
      const seen = event.metadata as Operation;
      if (seen.id === operation.id) line?.update(progressOf(seen) ?? '');
    });
    closeEvents = () => stream.close();
    if (over) closeEvents();
  };
  const timer = setTimeout(() => start().catch(() => {}), SILENT_MS);
  return () => {
    over = true;
    clearTimeout(timer);
    line?.close();
    closeEvents();
  };
}

/** The first Ctrl-C asks the server to stop the work, the second leaves it to itself. */
function cancelOnInterrupt(session: Session, client: Client, operation: Operation): () => void {
  let asked = false;
  const interrupt = () => {
    if (asked) process.exit(130);
    asked = true;
    client.send('DELETE', at`operations/${operation.id}`).then(
      () => session.note('Cancelling…'),
      error =>
        session.note(
          `This cannot be cancelled (${error.message}). Press Ctrl-C again to leave it running (operation ${operation.id}).`,
        ),
    );
  };
  process.on('SIGINT', interrupt);
  return () => process.off('SIGINT', interrupt);
}

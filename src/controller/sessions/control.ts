/** What an exec client says on its control socket. */
import { z } from 'zod';

export type ControlMessage =
  | { readonly kind: 'resize'; readonly width: number; readonly height: number }
  | { readonly kind: 'signal'; readonly signal: number };

const dimension = z.coerce.number().int().min(1).max(65_535);
const message = z.union([
  z.object({ command: z.literal('window-resize'), args: z.object({ width: dimension, height: dimension }) }),
  z.object({ command: z.literal('signal'), signal: z.number().int().min(1).max(64) }),
]);

/** Undefined for what we do not understand: newer clients may say more. */
export function readControl(text: string): ControlMessage | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const parsed = message.safeParse(value);
  if (!parsed.success) return undefined;
  const said = parsed.data;
  return said.command === 'signal'
    ? { kind: 'signal', signal: said.signal }
    : { kind: 'resize', width: said.args.width, height: said.args.height };
}

/**
 * The source's streams to the target, and what it remembers of the volume between rounds. Lost with the agent: the next
 * round then ships everything. A token is good for one stream, so each stream begins by asking for the next one.
 */
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import type { Channel } from '../../rpc/data/channel.ts';
import type { Spec } from '../spec.ts';
import { TRANSFER_METHODS, type TransferMethod, type VolumeSender } from '../storage/transfer.ts';
import { type MoveKey, transferId } from './key.ts';
import type { DataToken, MovePorts } from './ports.ts';

const begun = z.object({
  method: z.enum(TRANSFER_METHODS),
  next: z.string(),
  released: z.boolean(),
  published: z.boolean(),
});

export class Outgoing {
  readonly #ports: MovePorts;
  readonly #key: MoveKey;
  readonly #spec: Spec;
  #given: string | undefined;
  #next: string | undefined;
  #sender: VolumeSender | undefined;
  readonly #open = new Set<Channel>();
  /** The target has all it needs and was told to restore. */
  released = false;
  /** The target has the whole volume, as it is while the instance stands still. */
  published = false;
  /** Has a round of the volume arrived, so that the next one is small? */
  warm = false;

  constructor(ports: MovePorts, key: MoveKey, spec: Spec) {
    this.#ports = ports;
    this.#key = key;
    this.#spec = spec;
  }

  /** @param token as the controller gave it: used once, then the ones that came from the target */
  async open(token: DataToken): Promise<Channel> {
    const fresh = token.token !== this.#given;
    const use = fresh ? token.token : this.#next;
    if (use === undefined) fail('forbidden', 'the token of this move was used: prepare the move again');
    this.#given = token.token;
    this.#next = undefined;
    const channel = await this.#ports.data.dial({ token: use, address: token.address });
    this.#open.add(channel);
    try {
      const { volumes } = this.#ports;
      const offer = { methods: volumes.methods(this.#spec), idMap: volumes.idMap(this.#spec) ?? null };
      const { method, next, released, published } = begun.parse(
        (await channel.ask({ ask: 'begin', ...offer })).message,
      );
      this.#next = next;
      this.released = released;
      this.published = published;
      this.#sender ??= await this.#openSender(method);
      return channel;
    } catch (error) {
      await this.hangUp(channel);
      throw error;
    }
  }

  async hangUp(channel: Channel): Promise<void> {
    this.#open.delete(channel);
    await channel.close();
  }

  /** Ends what is still being sent; the sender sees `cancelled`. */
  async cancel(): Promise<void> {
    const why = new AppError('cancelled', 'the move was called off');
    await Promise.all([...this.#open].map(channel => channel.refuse(why)));
  }

  get sender(): VolumeSender {
    return this.#sender ?? fail('internal', 'no stream was opened yet');
  }

  /** Forgets the volume's transfer on this host, also one that was begun by an agent that died. */
  async close(): Promise<void> {
    if (this.#sender !== undefined) return this.#sender.close();
    for (const method of this.#ports.volumes.methods(this.#spec)) await (await this.#openSender(method)).close();
  }

  #openSender(method: TransferMethod): Promise<VolumeSender> {
    return this.#ports.volumes.sender({ transfer: transferId(this.#key), spec: this.#spec }, method);
  }
}

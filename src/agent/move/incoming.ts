/**
 * The target's end of the streams of a move: agrees on how the volume travels, takes its rounds and the images, and
 * gives the word to restore when the source says that this was all.
 */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { AppError, fail } from '../../domain/errors.ts';
import { collectGarbage } from '../../kit/collect-garbage.ts';
import type { Body, Channel } from '../../rpc/data/channel.ts';
import { serve } from '../../rpc/data/serve.ts';
import { STOPPED_STATE, settle } from '../snapshots/state-folders.ts';
import { checkId } from '../spec.ts';
import { rootIdOf } from '../storage/id-map.ts';
import { chooseMethod, TRANSFER_METHODS, type VolumeReceiver } from '../storage/transfer.ts';
import { readFacts } from './facts.ts';
import { folderOf, imagesIn, type MoveRecord, readRecord, say, writeRecord, writeWhole } from './folder.ts';
import { type ImageList, imageList, imagePart, writeImages, writePart } from './images.ts';
import { keyOf, keyParams, type MoveKey, transferId } from './key.ts';
import { withRoom } from './moves-folder.ts';
import { writeWay } from './pages/pages-folder.ts';
import type { DataToken, MovePorts } from './ports.ts';
import { joinRound, receiveRound, roundFolder } from './pre-copy/chain.ts';

const idMap = z.object({ base: z.int(), size: z.int() });
const stateName = z.string().transform(name => (name === STOPPED_STATE ? name : checkId(name)));
const way = z.object({ token: z.string(), address: z.string() });
const round = z.int().min(1);
const question = z.discriminatedUnion('ask', [
  z.object({ ask: z.literal('begin'), methods: z.array(z.enum(TRANSFER_METHODS)), idMap: idMap.nullable() }),
  /** Of memory, while it is still being written. */
  z.object({ ask: z.literal('part'), part: imagePart, round: round.optional() }),
  /** `pages`: of a post-copy, where the rest of the memory is to be had. `before`: of a pre-copy, the last round. */
  z.object({ ask: z.literal('images'), images: imageList, pages: way.optional(), before: round.optional() }),
  /** Of a pre-copy: memory, while it runs. */
  z.object({ ask: z.literal('round'), round, images: imageList }),
  /** The volume is complete. */
  z.object({ ask: z.literal('publish') }),
  z.object({ ask: z.literal('restore') }),
  /** Of snapshots and states: which are here? What the last round brought is that snapshot. A state is to be kept. */
  z.object({ ask: z.literal('inventory') }),
  z.object({ ask: z.literal('keep'), snapshot: z.string().transform(checkId) }),
  z.object({ ask: z.literal('state'), state: stateName, images: imageList }),
]);
/** Anything else is the volume's own affair. */
const isOurs = (message: unknown): boolean => typeof message === 'object' && message !== null && 'ask' in message;

export interface Incoming {
  issue(key: MoveKey): DataToken;
  /** Serves one stream until the source hangs up. */
  accept(channel: Channel, params: Readonly<Record<string, string>>): Promise<void>;
  /** Makes the volume received so far the instance's. */
  publish(key: MoveKey): Promise<void>;
  /** Ends what is still being received. */
  stop(key: MoveKey): Promise<void>;
  /** The move succeeded: forgets the transfer when the volume is safe on disk. */
  finish(key: MoveKey): Promise<void>;
  /** The move failed: removes the volume, published or not. */
  discard(key: MoveKey): Promise<void>;
}

export function createIncoming(ports: MovePorts): Incoming {
  const { root, volumes, states } = ports;
  const receivers = new Map<string, Promise<VolumeReceiver>>();
  const streams = new Map<string, Set<Channel>>();

  const issue = (key: MoveKey): DataToken => ports.data.issue(keyParams(key));

  /** Undefined while both ends have not agreed on how to transfer: nothing has come then. */
  async function receiverOf(key: MoveKey): Promise<VolumeReceiver | undefined> {
    const folder = folderOf(root, key);
    const record = await readRecord(folder);
    if (record?.method === undefined) return undefined;
    const known =
      receivers.get(folder) ?? volumes.receiver({ transfer: transferId(key), spec: record.spec }, record.method);
    receivers.set(folder, known);
    known.catch(() => receivers.delete(folder));
    return known;
  }

  const expectReceiver = async (key: MoveKey): Promise<VolumeReceiver> =>
    (await receiverOf(key)) ?? fail('conflict', 'nothing was received of the volume of this move');

  async function begin(key: MoveKey, offer: z.output<typeof question> & { ask: 'begin' }): Promise<object> {
    const folder = folderOf(root, key);
    const record = await expectRecord(folder);
    const ours = volumes.idMap(record.spec);
    const sameOwners = ours?.base === offer.idMap?.base && ours?.size === offer.idMap?.size;
    const method = record.method ?? chooseMethod(offer.methods, volumes.methods(record.spec), sameOwners);
    if (record.method === undefined) await writeRecord(folder, { ...record, method });
    const { words } = readFacts(folder);
    const next = issue(key).token;
    return { method, next, released: words.images !== undefined, published: isPublished(folder) };
  }

  async function answer(key: MoveKey, message: unknown, body: Body): Promise<object> {
    const folder = folderOf(root, key);
    if (!isOurs(message)) {
      await rm(join(folder, ROOTFS), { force: true }); // a further round withdraws what was published
      return (await expectReceiver(key)).answer(message, body);
    }
    const asked = question.parse(message);
    switch (asked.ask) {
      case 'begin':
        collectGarbage(); // a pause may follow
        return begin(key, asked);
      case 'part':
        await writePart(
          asked.round === undefined ? imagesIn(folder) : roundFolder(folder, asked.round),
          asked.part,
          body,
          await groupOf(folder),
        );
        return {};
      case 'images':
        await writeImages(imagesIn(folder), asked.images, body, await groupOf(folder));
        if (asked.before !== undefined) joinRound(folder, imagesIn(folder), asked.before);
        if (asked.pages !== undefined) await writeWay(folder, asked.pages); // the pager begins
        return {};
      case 'round':
        await receiveRound(folder, asked.round, asked.images, body, await groupOf(folder));
        return {};
      case 'publish':
        await (await expectReceiver(key)).publish();
        await writeWhole(join(folder, ROOTFS), `${await volumes.activate((await expectRecord(folder)).spec)}\n`);
        return {};
      case 'restore':
        if (!isPublished(folder)) fail('conflict', 'the volume of this move is not complete here');
        say(folder, 'images', 'go');
        return {};
      case 'inventory':
        return { snapshots: (await expectReceiver(key)).kept(), states: await states.list(key.instance) };
      case 'keep':
        await (await expectReceiver(key)).keep(asked.snapshot);
        return {};
      case 'state':
        await receiveState(folder, asked.state, asked.images, body);
        return {};
    }
  }

  /** For `writeImages`. */
  const groupOf = async (folder: string) => rootIdOf(volumes.idMap((await expectRecord(folder)).spec));

  async function receiveState(folder: string, state: string, images: ImageList, body: Body): Promise<void> {
    const { spec } = await expectRecord(folder);
    const received = join(await states.work(spec.id, 'receive'), 'images');
    await writeImages(received, images, body, rootIdOf(volumes.idMap(spec)));
    await settle(received);
    await states.publish(received, spec.id, state);
  }

  async function forget(key: MoveKey): Promise<VolumeReceiver | undefined> {
    const receiver = await receiverOf(key);
    receivers.delete(folderOf(root, key));
    return receiver;
  }

  return {
    issue,

    async accept(channel, params) {
      const key = keyOf(params, 'target');
      const folder = folderOf(root, key);
      const open = streams.get(folder) ?? new Set();
      streams.set(folder, open.add(channel));
      try {
        await serve(channel, (message, body) => withRoom(root, () => answer(key, message, body)));
      } finally {
        open.delete(channel);
        if (open.size === 0) streams.delete(folder);
      }
    },

    publish: async key => (await expectReceiver(key)).publish(),
    finish: async key => (await forget(key))?.finish(),
    async discard(key) {
      await (await forget(key))?.abort();
      await states.removeAll(key.instance);
    },

    async stop(key) {
      const why = new AppError('cancelled', 'the move was called off');
      await Promise.all([...(streams.get(folderOf(root, key)) ?? [])].map(channel => channel.refuse(why)));
    },
  };
}

/** Where the volume is: for the scripts. */
const ROOTFS = 'rootfs';
const isPublished = (folder: string): boolean => existsSync(join(folder, ROOTFS));

async function expectRecord(folder: string): Promise<MoveRecord> {
  return (await readRecord(folder)) ?? fail('not-found', 'this move is not known here');
}

/** "Get that image from there", for its own sake or to make an instance of it. */
import { createHash, randomUUID } from 'node:crypto';
import { fail } from '../../domain/errors.ts';
import type { Config } from '../../domain/instance.ts';
import { instanceNameFrom } from '../instances/instance-name.ts';
import { type NewInstance, newInstance } from '../instances/new-instance.ts';
import { claim } from '../projects/claim.ts';
import type { SagaRecord } from '../saga/saga-record.ts';
import { createFromStore } from '../sagas/create-from-store.ts';
import { type FetchInput, fetchImage } from '../sagas/fetch-image.ts';
import { instanceBeginning } from '../sagas/instance-beginning.ts';
import { NODES } from '../spaces.ts';
import type { Commander, Requestor } from './commander.ts';
import { mustBeFree } from './rename-instance.ts';

export interface ImageSource {
  /** simplestreams | lxd */
  readonly protocol: string;
  /** https URL. */
  readonly server: string;
  /** PEM of the only one that it may show; '' = the authorities of the hosts judge. */
  readonly certificate: string;
  /** Of a private image. */
  readonly secret: string;
  readonly project: string;
  /** Alias or fingerprint there. */
  readonly name: string;
}

export interface FetchOptions {
  readonly project: string;
  /** The host that asks and keeps it. */
  readonly node: string;
  readonly public: boolean;
  readonly properties: Config;
  readonly profiles: readonly string[];
  readonly aliases: FetchInput['aliases'];
}

/** The operation's metadata gets `fingerprint`. @throws AppError `invalid`. */
export async function beginFetchImage(
  { engine, view }: Commander,
  { project, ...image }: FetchOptions,
  source: ImageSource,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const input = { ...image, ...fetchFrom(source, architectureOf(view, image.node)) };
  return engine.start(fetchImage, input, {
    project,
    description: 'Downloading image',
    resources: {},
    locks: [],
    location: image.node,
    ...(requestor === undefined ? {} : { requestor }),
  });
}

/** What can be said before the image is known is said now. @throws AppError `exists`, and what `newInstance` throws. */
export async function beginCreateFromStore(
  { engine, view, clock }: Commander,
  { image: _, ...request }: NewInstance,
  node: string,
  source: ImageSource,
  requestor?: Requestor,
): Promise<SagaRecord> {
  const id = randomUUID();
  const name = request.name || instanceNameFrom(createHash('sha256').update(id).digest());
  const record = newInstance(view, { ...request, name, image: '' }, id, clock.now());
  mustBeFree({ view }, record.project, name);
  claim(view, record); // would be refused: said before anything begins
  const { profiles, target, ...rest } = request;
  const input = {
    ...fetchFrom(source, request.architecture || architectureOf(view, node)),
    node,
    cached: true,
    public: false,
    properties: {},
    profiles: [],
    aliases: [],
    id,
    wanted: { ...rest, name, ...(profiles && { profiles }), ...(target && { target }) },
  };
  // Its part that makes the instance is a saga of its own, which claims the name and holds the lock.
  return engine.start(createFromStore, input, {
    ...instanceBeginning('Creating instance', record, requestor),
    locks: [],
  });
}

function fetchFrom({ name, protocol, server, ...store }: ImageSource, architecture: string) {
  if (protocol !== 'simplestreams' && protocol !== 'lxd')
    fail('invalid', `Invalid "source.protocol": "${protocol}" (simplestreams or lxd)`);
  if (!URL.canParse(server) || new URL(server).protocol !== 'https:')
    fail('invalid', `Invalid "source.server": "${server}" is not an https URL`);
  if (name === '') fail('invalid', 'Invalid "source": name an image by alias or fingerprint');
  return {
    store: { ...store, protocol, server },
    name,
    architecture,
    upload: randomUUID(),
    fingerprint: '',
    filename: '',
    autoUpdate: false,
  };
}

const architectureOf = (view: Commander['view'], node: string): string =>
  view.get(NODES.key(node))?.value.architecture ?? 'x86_64';

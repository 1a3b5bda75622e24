/** Where images can be had from, as plain data, and what a store says of one of its images. */
import { fail } from '../../../domain/errors.ts';
import type {
  StoreImage as StoreImageMessage,
  Store as StoreMessage,
} from '../../../rpc/gen/berth/agent/v1/images_pb.ts';
import { PARTS, type Part } from '../image-info.ts';
import type { Way } from './open-url.ts';

export const PROTOCOLS = ['simplestreams', 'lxd'] as const;

export interface Store extends Way {
  readonly protocol: (typeof PROTOCOLS)[number];
  /** https URL, without a slash at its end. */
  readonly server: string;
  /** Of a private image; '' = none. */
  readonly secret: string;
  readonly project: string;
}

export interface OfferedFile {
  readonly part: Part;
  readonly url: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface OfferedImage {
  readonly fingerprint: string;
  /** LXD's name; '' = not known. */
  readonly architecture: string;
  readonly filename: string;
  /** 0 = not known. */
  readonly sizeBytes: number;
  readonly properties: Readonly<Record<string, string>>;
  /** Seconds since the epoch; 0 = not known. */
  readonly createdAt: number;
  readonly expiresAt: number;
  readonly isPublic: boolean;
  readonly aliases: readonly string[];
  /** Empty: as the lxd protocol exports it. */
  readonly files: readonly OfferedFile[];
}

/** @throws AppError `invalid` */
export function parseStore(message: StoreMessage | undefined): Store {
  const { server = '', certificate = '', secret = '', project = '' } = message ?? {};
  const protocol = PROTOCOLS.find(each => each === message?.protocol);
  if (protocol === undefined) fail('invalid', `there is no image store protocol "${message?.protocol}"`);
  return { protocol: protocol!, server: server.replace(/\/+$/, ''), certificate, secret, project };
}

/** What `find` said, come back. @throws AppError `invalid` */
export function parseOffer(
  message: StoreImageMessage | undefined,
): Pick<OfferedImage, 'fingerprint' | 'sizeBytes' | 'files'> {
  if (message === undefined || !/^[0-9a-f]{64}$/.test(message.fingerprint))
    fail('invalid', 'the fingerprint is missing');
  const { fingerprint, sizeBytes, files } = message!;
  return {
    fingerprint,
    sizeBytes: Number(sizeBytes),
    files: files.map(file => ({
      part: PARTS.find(part => part === file.part) ?? fail('invalid', `an image has no part "${file.part}"`),
      url: file.url,
      sha256: file.sha256,
      sizeBytes: Number(file.sizeBytes),
    })),
  };
}

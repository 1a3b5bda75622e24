/**
 * The trust password: whoever knows it may add a certificate. Kept as a salted hash, so that nobody who reads the store
 * learns it.
 */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { keyspace } from '../../store/keyspace.ts';
import type { Transaction } from '../../store/store.ts';
import type { View } from '../../store/view.ts';

/** Key `secrets/trust-password`; written with the server's config. Absent = there is no password. */
interface PasswordRecord {
  readonly salt: string;
  readonly hash: string;
}

const SPACE = keyspace<PasswordRecord>('secrets');
const KEY = SPACE.key('trust-password');
const NOTHING: Transaction = { guards: [], writes: [] };

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const BYTES = 32;

export function hasPassword(view: View): boolean {
  return view.get(KEY) !== undefined;
}

/** @param password '' removes it. */
export async function changePassword(view: View, password: string): Promise<Transaction> {
  const old = view.get(KEY);
  if (password === '') return old === undefined ? NOTHING : SPACE.remove(old);
  const salt = randomBytes(16);
  const record = { salt: salt.toString('hex'), hash: (await derive(password, salt, BYTES)).toString('hex') };
  return old === undefined ? SPACE.create(KEY, record) : SPACE.replace(old, record);
}

export async function isPassword(view: View, password: string): Promise<boolean> {
  const record = view.get(KEY)?.value;
  if (record === undefined) return false;
  return timingSafeEqual(
    await derive(password, Buffer.from(record.salt, 'hex'), BYTES),
    Buffer.from(record.hash, 'hex'),
  );
}

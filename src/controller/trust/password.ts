/** The trust password is kept as a salted hash: nobody who reads the store learns it. */
import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';

const derive = promisify<string, Buffer, number, Buffer>(scrypt);
const BYTES = 32;

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  return `${salt.toString('hex')}:${(await derive(password, salt, BYTES)).toString('hex')}`;
}

export async function isPassword(password: string, hash: string): Promise<boolean> {
  const [salt, expected] = hash.split(':').map(part => Buffer.from(part, 'hex'));
  if (salt === undefined || expected?.length !== BYTES) return false;
  return timingSafeEqual(await derive(password, salt, BYTES), expected);
}

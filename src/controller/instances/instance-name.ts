/** Names for those who give none: two words that a person can remember, and a bit of chance. */

const QUALITIES = `able bold brave bright brisk calm clear eager early fair fast fine firm fond free fresh gentle glad
  golden grand happy hardy humble keen kind late light lively loyal lucky mellow merry mild neat noble open patient plain
  polite prime proud quick quiet rapid ready rich royal safe sharp silent smart solid sound spare steady still strong
  subtle sunny sure swift tidy warm`.split(/\s+/);

const SHIPS = `ark barge bark boat brig canoe caravel clipper coaster cog corvette cutter dhow dinghy dory ferry galleon
  galley gig gondola hoy hulk junk kayak ketch launch liner lugger packet pilot pinnace pram prau punt raft schooner
  scow skiff sloop smack tanker tender trader tramp trawler tug vessel whaler wherry yacht yawl`.split(/\s+/);

/** @param bytes at least four, random or a hash. */
export function instanceNameFrom(bytes: Uint8Array): string {
  const quality = QUALITIES[bytes[0]! % QUALITIES.length]!;
  const ship = SHIPS[bytes[1]! % SHIPS.length]!;
  return `${quality}-${ship}-${(((bytes[2]! << 8) | bytes[3]!) % 1000).toString().padStart(3, '0')}`;
}

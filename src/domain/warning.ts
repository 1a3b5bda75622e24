/** What goes wrong in the cluster and stays wrong until somebody or something mends it: LXD's warnings. */
import { createHash } from 'node:crypto';

export const SEVERITIES = ['low', 'moderate', 'high'] as const;

/** What is wrong now. */
export interface Trouble {
  /** For people, and what tells one kind from another. */
  readonly type: string;
  readonly severity: (typeof SEVERITIES)[number];
  /** The host; '' = none in particular. */
  readonly location: string;
  readonly project: string;
  /** URL of what it is about. */
  readonly entity: string;
  readonly message: string;
}

/** Key `warnings/<uuid>`; made and resolved by the reconciler `warnings`, acknowledged and deleted by the API. */
export interface WarningRecord extends Trouble {
  readonly uuid: string;
  /** How often it came back. */
  readonly count: number;
  readonly status: 'new' | 'acknowledged' | 'resolved';
  /** ISO 8601. */
  readonly firstSeenAt: string;
  readonly lastSeenAt: string;
}

/** The same trouble with the same thing is the same warning. */
export function warningId({ type, location, entity }: Trouble): string {
  const hex = createHash('sha256').update(`${type}\0${location}\0${entity}`).digest('hex');
  const variant = ((Number.parseInt(hex[16]!, 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A resolved one is forgotten after a day, as in LXD. */
const FORGOTTEN_MS = 24 * 3600 * 1000;

/**
 * What becomes of the warnings: pure. One that comes back is new again; one that somebody acknowledged stays so until then.
 * @returns changed and new ones, and the ids of those to forget
 */
export function nextWarnings(
  known: readonly WarningRecord[],
  troubles: readonly Trouble[],
  now: number,
): { readonly put: readonly WarningRecord[]; readonly forget: readonly string[] } {
  const at = new Date(now).toISOString();
  const present = new Map(troubles.map(trouble => [warningId(trouble), trouble]));
  const put = [...present].flatMap(([uuid, trouble]): WarningRecord[] => {
    const old = known.find(each => each.uuid === uuid);
    if (old === undefined) return [{ ...trouble, uuid, count: 1, status: 'new', firstSeenAt: at, lastSeenAt: at }];
    if (old.status === 'resolved') return [{ ...old, ...trouble, status: 'new', count: old.count + 1, lastSeenAt: at }];
    return old.message === trouble.message ? [] : [{ ...old, ...trouble, lastSeenAt: at }];
  });
  const over = known.filter(({ uuid, status }) => !present.has(uuid) && status !== 'resolved');
  const forget = known.filter(
    ({ uuid, status, lastSeenAt }) =>
      !present.has(uuid) && status === 'resolved' && now - Date.parse(lastSeenAt) > FORGOTTEN_MS,
  );
  return {
    put: [...put, ...over.map(each => ({ ...each, status: 'resolved' as const, lastSeenAt: at }))],
    forget: forget.map(({ uuid }) => uuid),
  };
}

/** The ways in which an instance gets to another host. */

/** While it runs: how its memory travels. */
export const LIVE_MODES = ['stop-and-copy', 'post-copy', 'pre-copy'] as const;
export type LiveMode = (typeof LIVE_MODES)[number];

/** What agents are told: `cold` = it is stopped. */
export type AgentMode = LiveMode | 'cold';

/** What a user may ask for. `restart` stops it for as long as the last delta takes. */
export const MOVE_MODES = ['auto', 'post-copy', 'pre-copy', 'stop-and-copy', 'restart'] as const;
export type MoveMode = (typeof MOVE_MODES)[number];

/** The ways in which an instance gets to another host. */

/** While it runs: how its memory travels. */
export const LIVE_MODES = ['stop-and-copy', 'post-copy'] as const;
export type LiveMode = (typeof LIVE_MODES)[number];

/** What agents are told: `cold` = it is stopped. */
export type AgentMode = LiveMode | 'cold';

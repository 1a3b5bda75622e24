/** A placement and its reasons: what `berth explain` shows. Stored with the instance when it is placed or moved. */
export interface Placement {
  /** '' when nothing fits. */
  readonly node: string;
  /** ISO 8601. */
  readonly at: string;
  /** One sentence: "n2 of 3 hosts: fewest instances", or "0 of 3 hosts: 2 not enough memory (…), 1 cordoned". */
  readonly summary: string;
  readonly reasons: readonly PlacementReason[];
}

export interface PlacementReason {
  readonly node: string;
  readonly verdict: 'chosen' | 'fits' | 'rejected';
  /** Every rule that said no, in the order of the rules; empty unless rejected. */
  readonly because: readonly string[];
  /** Higher is better; absent when rejected. */
  readonly score?: number;
  /** What each rule added to the score. */
  readonly scores?: Readonly<Record<string, number>>;
}

/** What differs between pools made of folders: how a tree is made, copied, removed, measured and limited. */
import type { TransferMethod } from './transfer.ts';

export interface TreeOps {
  readonly transferMethods: readonly TransferMethod[];
  /** Is a copy one moment of a tree in use? */
  readonly copiesAreAtomic: boolean;
  /** Throws `unsupported` if `source` is not a place for this kind of pool. */
  check(source: string): Promise<void>;
  /** An empty tree at a path that does not exist yet. */
  make(path: string): Promise<void>;
  /** `readOnly` is a matter of drivers that can; who asks for it must not rename the copy (btrfs cannot). */
  copy(from: string, to: string, options?: { readonly readOnly: boolean }): Promise<void>;
  /** Succeeds if there is nothing. */
  remove(path: string): Promise<void>;
  /** Returns when all that was written to the tree is on disk. */
  settle(path: string): Promise<void>;
  usageBytes(path: string): Promise<number>;
  setQuota(path: string, bytes: number | undefined): Promise<void>;
}

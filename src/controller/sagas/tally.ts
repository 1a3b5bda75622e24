/** How far a large operation is, as one line for the user: "3 of 10 done; moving c4, c5; waiting for c7". */

export interface Tally {
  /** So many more are to be done. */
  add(count: number): void;
  /** @param what e.g. `moving` */
  doing(name: string, what: string): void;
  /** Nothing is done with it for now. */
  idle(name: string): void;
  done(name: string): void;
}

export function openTally(tell: (text: string) => void): Tally {
  let total = 0;
  let done = 0;
  const busy = new Map<string, string>();
  const show = (): void => {
    const groups = Map.groupBy(busy, ([, what]) => what);
    const doing = [...groups].map(([what, names]) => `${what} ${names.map(([name]) => name).join(', ')}`);
    tell([`${done} of ${total} done`, ...doing].join('; '));
  };
  return {
    add: count => {
      total += count;
      show();
    },
    doing: (name, what) => {
      busy.set(name, what);
      show();
    },
    idle: name => {
      if (busy.delete(name)) show();
    },
    done: name => {
      busy.delete(name);
      done += 1;
      show();
    },
  };
}

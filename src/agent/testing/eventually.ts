/** For what takes a moment and announces itself to nobody. */

/** Tries again until it does not throw, for at most five seconds. */
export async function eventually(check: () => void | Promise<void>): Promise<void> {
  const end = Date.now() + 5000;
  for (;;) {
    try {
      return await check();
    } catch (thrown) {
      if (Date.now() > end) throw thrown;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  }
}

// Loops that belong together, such as one that sends and one that receives.

/**
 * run_together(loops, stop) -> when all loops have ended. The end of one loop, by an error as well, ends the others by `stop`.
 *
 * @returns the first error in the order of the loops; undefined if there is none. It is returned, so that the caller first prints what it has.
 */
export async function run_together(
  loops: readonly Promise<unknown>[],
  stop: () => void,
): Promise<{ readonly reason: unknown } | undefined> {
  for (const loop of loops) loop.then(stop, stop);
  const results = await Promise.allSettled(loops);
  return results.find((result) => result.status === 'rejected');
}

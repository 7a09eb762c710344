/**
 * How long to wait before a try: twice as long each time, up to a limit. Between half of it and all, so that many who
 * failed together do not come back together.
 *
 * @param tries How many have failed, from 1.
 */
export function backOffMs(tries: number, { firstMs, mostMs }: { firstMs: number; mostMs: number }): number {
  return Math.min(firstMs * 2 ** (tries - 1), mostMs) * (0.5 + Math.random() / 2)
}

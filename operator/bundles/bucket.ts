/** Which of a power-of-two number of buckets a key is in, and how many buckets there should be. */

/** FNV-1a over UTF-16 code units, with a last mix: spread, not secrecy. */
export function bucketOf(key: string, count: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) & (count - 1);
}

export const MAX_BUCKETS = 4096;

/**
 * So many that a bucket holds `full` at most on average. Fewer than before only once a bucket would hold less than a
 * quarter of that, so that a size which goes up and down a little moves nothing.
 */
export function bucketCount(total: number, full: number, previous = 1): number {
  let count = previous;
  while (count < MAX_BUCKETS && total > full * count) count *= 2;
  while (count > 1 && total * 4 < full * count) count /= 2;
  return count;
}

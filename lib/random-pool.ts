import { randomFillSync } from 'node:crypto';

const POOL_BYTES = 4096;

/** Random bytes, drawn many at a time: asking the system costs more than the bytes do. None is given out twice. */
export function createRandomPool(): (size: number) => Uint8Array {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return (size) => {
    if (used + size > POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    used += size;
    return pool.slice(used - size, used);
  };
}

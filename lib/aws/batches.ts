const MAX_PARALLEL = 8;

/** What one request may hold. */
export interface Limits {
  entries: number;
  /** Of the sizes of its entries together. */
  bytes: number;
}

/** Packs items into as few requests as the limits allow, order kept. An item that is too large alone has its own. */
export function inBatches<T>(items: readonly T[], limits: Limits, sizeOf: (item: T) => number): T[][] {
  const batches: T[][] = [];
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    const last = batches.at(-1);
    if (last && last.length < limits.entries && bytes + size <= limits.bytes) {
      last.push(item);
      bytes += size;
    } else {
      batches.push([item]);
      bytes = size;
    }
  }
  return batches;
}

/** Makes a request of each batch, a few at once. `request` handles its own failure. */
export async function inParallel<T>(batches: readonly T[], request: (batch: T) => Promise<void>): Promise<void> {
  const waiting = [...batches];
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await request(next);
  };
  await Promise.all(Array.from({ length: MAX_PARALLEL }, worker));
}

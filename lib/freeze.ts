/** Freezes a value and all that it holds. A frozen value is taken to be frozen throughout. */
export function freeze(value: unknown): void {
  if (Object.isFrozen(value)) return;
  for (const part of Object.values(Object.freeze(value) ?? {})) freeze(part);
}

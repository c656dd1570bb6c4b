/** Lets nobody change a value, nor what is in it. What is frozen already is frozen to its depth. */
export function freeze(value: unknown): void {
  if (Object.isFrozen(value)) return;
  for (const part of Object.values(Object.freeze(value) ?? {})) freeze(part);
}

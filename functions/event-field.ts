/** A field of an event, or undefined. Anyone who may invoke a function can hand it anything, so no field is certain. */
export function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? Reflect.get(value, name) : undefined;
}

/** A field of an event, if that is a text. */
export function textOf(value: unknown, name: string): string | undefined {
  const field = fieldOf(value, name);
  return typeof field === 'string' ? field : undefined;
}

/** A header by its name in lower case, as API Gateway gives it. */
export function headerOf(event: unknown, name: string): string | undefined {
  return textOf(fieldOf(event, 'headers'), name);
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

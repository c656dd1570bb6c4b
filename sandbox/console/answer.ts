import type * as z from 'zod/mini';

/** What the console's interface answers. */
export interface Answer {
  status: number;
  body?: unknown;
}

/** Why it does not do what it was asked. */
export class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A value of a type, or a refusal that names each fault. */
export function parse<T>(type: z.ZodMiniType<T>, value: unknown): T {
  const { data, error } = type.safeParse(value);
  if (!error) return data;
  const faults = error.issues.map(({ path, message }) => (path.length > 0 ? `${path.join('.')} ${message}` : message));
  throw new Refusal(400, faults.join('; '));
}

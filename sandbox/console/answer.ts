import * as v from 'valibot';

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

/** A JSON object, whatever it holds. */
export function jsonObject(fault: string) {
  const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value);
  return v.custom<Record<string, unknown>>(isObject, fault);
}

/** A JSON object with these members and no others. */
export function strictObject<const Entries extends v.ObjectEntries>(entries: Entries) {
  return v.pipe(
    jsonObject('The body must be a JSON object'),
    v.strictObject(entries, ({ expected }) => (expected === 'never' ? 'must not be there' : 'is missing')),
  );
}

/** A value of a type, or a refusal that names each fault. */
export function parse<T>(type: v.GenericSchema<unknown, T>, value: unknown): T {
  const { success, output, issues } = v.safeParse(type, value);
  if (success) return output;
  const faults = issues.map((issue) => [v.getDotPath(issue), issue.message].filter(Boolean).join(' '));
  throw new Refusal(400, faults.join('; '));
}

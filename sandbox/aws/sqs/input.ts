import { SqsError } from './error.ts';
import type { MessageAttributes } from './message.ts';

/** What a caller sent, as JSON has it or as the texts of the query protocol. */
export type Input = Record<string, unknown>;

export function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

export function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.map(text) : [];
}

export function object(value: unknown): Input {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** A whole number of an input, if it is there. Throws if it is out of its range. */
export function whole(input: Input, name: string, min: number, max: number): number | undefined {
  if (input[name] === undefined) return undefined;
  const value = Number(input[name]);
  if (Number.isInteger(value) && value >= min && value <= max) return value;
  throw new SqsError('InvalidParameterValue', `${name} must be ${min} to ${max}.`);
}

export function messageAttributes(value: unknown): MessageAttributes {
  const entries = Object.entries(object(value)).map(([name, attribute]) => {
    const { DataType, StringValue, BinaryValue } = object(attribute);
    const values = {
      ...(StringValue !== undefined && { StringValue: text(StringValue) }),
      ...(BinaryValue !== undefined && { BinaryValue: text(BinaryValue) }),
    };
    return [name, { DataType: text(DataType), ...values }] as const;
  });
  return Object.fromEntries(entries);
}

import { describe, expect, it } from 'vitest';
import { describeCause } from '../../../lib/telemetry/error-description.ts';

describe('describeCause', () => {
  it('names a cause and its causes', () => {
    const error = new TypeError('outer', { cause: new Error('inner') });
    expect(describeCause(error)).toBe('TypeError: outer <- Error: inner');
    expect(describeCause(undefined)).toBeUndefined();
  });

  it('says of a thrown value only what kind it is', () => {
    const circular: Record<string, unknown> = {};
    circular.self = circular;
    expect(describeCause(circular)).toBe('a thrown object');
    expect(describeCause('secret text')).toBe('a thrown string');
    expect(describeCause(null)).toBe('a thrown null');
    expect(describeCause(Object.create(null))).toBe('a thrown object');
  });

  it('ends on causes that go in a circle', () => {
    const error = new Error('a');
    error.cause = error;
    expect(describeCause(error)).toBe('Error: a <- Error: a <- Error: a <- Error: a');
  });
});

import { describe, expect, it } from 'vitest';
import { JoinError } from '../../../lib/errors.ts';
import { createOriginCheck } from '../../../lib/identity/origin.ts';

/** Why a request with this header is refused; undefined if it is let in. */
function refusal(secrets: string[], header: string | undefined): { code: string; cause: unknown } | undefined {
  try {
    createOriginCheck(secrets)(header);
    return undefined;
  } catch (error) {
    if (!(error instanceof JoinError)) throw error;
    return { code: error.code, cause: error.cause instanceof Error ? error.cause.message : undefined };
  }
}

describe('the check of the origin', () => {
  it('lets in what has one of the secrets', () => {
    expect(refusal(['old', 'new'], 'old')).toBeUndefined();
    expect(refusal(['old', 'new'], 'new')).toBeUndefined();
  });

  it('refuses all else, and says to the log alone why', () => {
    expect(refusal(['old', 'new'], undefined)).toEqual({ code: 'FORBIDDEN', cause: 'no origin header' });
    for (const header of ['', 'ol', 'old,new', 'OLD']) {
      expect(refusal(['old', 'new'], header)).toEqual({ code: 'FORBIDDEN', cause: 'the origin header is another' });
    }
    expect(() => createOriginCheck(['old'])('new')).toThrow('This address takes no requests from callers.');
  });
});

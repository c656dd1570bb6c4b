import { describe, expect, it } from 'vitest';
import { nonceFrom, sign } from '../../../lib/rongcloud/signature.ts';
import vectors from '../../vectors/signatures.json' with { type: 'json' };

describe('sign', () => {
  it.each(vectors)('gives the signature of a published vector: $source', ({ secret, nonce, timestamp, signature }) => {
    expect(sign({ appKey: 'key', appSecret: secret }, nonce, timestamp)).toEqual({
      'App-Key': 'key',
      Nonce: nonce,
      Timestamp: String(timestamp),
      Signature: signature,
    });
  });
});

describe('nonceFrom', () => {
  it('writes nine bytes as 18 hex characters, leading zeros kept', () => {
    expect(nonceFrom(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7, 255]))).toBe('0001020304050607ff');
  });
});

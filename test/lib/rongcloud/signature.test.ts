import { randomUUID } from 'node:crypto';
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
  it('takes the last 18 hex characters of a UUID', () => {
    expect(nonceFrom('00112233-4455-4677-8899-aabbccddeeff')).toBe('778899aabbccddeeff');
  });

  it('makes another of each', () => {
    const nonces = Array.from({ length: 1000 }, () => nonceFrom(randomUUID()));
    for (const nonce of nonces) expect(nonce).toMatch(/^[\da-f]{18}$/);
    expect(new Set(nonces).size).toBe(1000);
  });
});

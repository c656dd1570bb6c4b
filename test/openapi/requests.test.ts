import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_ID_LENGTH } from '../../lib/ids.ts';
import { parseMessage } from '../../lib/join/join-request.ts';
import { readMessage } from '../../lib/queue/message.ts';
import { alice, ask, service } from '../helpers/http-door.ts';
import { fits } from '../helpers/openapi.ts';

// Random requests are taken exactly if they fit the document, but for the two rules that it says no schema can hold: a
// list is counted without its duplicates, and a length in UTF-16 units.

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const fitsInUnits = (value: unknown): boolean => typeof value !== 'string' || value.length <= MAX_ID_LENGTH;

/** What the document says of a request, with these two rules. */
function shouldTake(schema: string, value: unknown): boolean {
  if (!isObject(value)) return fits(schema, value);
  const { userIds, groupId, groupName } = value;
  const distinct = Array.isArray(userIds) ? { ...value, userIds: [...new Set(userIds)] } : value;
  const texts = [groupId, groupName, ...(Array.isArray(userIds) ? userIds : [])];
  return fits(schema, distinct) && texts.every(fitsInUnits);
}

/** Texts about the limits: of every kind of character, with halves of pairs, white space and controls anywhere. */
const unit = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('a', 'Z', '0', '_', '用', 'é', '%', '&', '"', '\\', '/', '~', '😀') },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(' ', '\u00a0', '\u3000', '\u2028', '\u200b', '\ufeff', '\ufffe', '\ufffd', '\u180e'),
  },
  { weight: 1, arbitrary: fc.constantFrom('\u0000', '\n', '\t', '\u007f', '\u0085', '\ud83d', '\ude00', '\udbff') },
);
const joined = (parts: fc.Arbitrary<string>, constraints: fc.ArrayConstraints) =>
  fc.array(parts, constraints).map((units) => units.join(''));
const plain = fc.constantFrom('a', 'b', '用', '😀', 'a b');
const text = fc.oneof(
  { weight: 6, arbitrary: joined(plain, { minLength: 1, maxLength: 4 }) },
  { weight: 2, arbitrary: joined(unit, { maxLength: 3 }) },
  { weight: 1, arbitrary: joined(fc.constantFrom('x', '😀'), { minLength: 30, maxLength: 66 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '__proto__',
      'constructor',
      '.',
      '..',
      '...',
      'x'.repeat(64),
      'x'.repeat(65),
      '😀'.repeat(32),
    ),
  },
);
const junk = fc.jsonValue({ maxDepth: 2 });
/** What is meant, or now and then anything. */
const mostly = (meant: fc.Arbitrary<unknown>) =>
  fc.oneof({ weight: 12, arbitrary: meant }, { weight: 1, arbitrary: junk });
const few = fc.array(mostly(text), { maxLength: 4 });
/** About 3000, with and without duplicates. */
const many = fc.record({ count: fc.integer({ min: 2998, max: 3002 }), twice: fc.nat({ max: 3 }) });
const users = fc.oneof(
  { weight: 20, arbitrary: few },
  {
    weight: 1,
    arbitrary: many.map(({ count, twice }) => Array.from({ length: count + twice }, (_, i) => `u${i % count}`)),
  },
);
const more = fc.dictionary(fc.constantFrom('extra', '__proto__', 'role', 'GroupId'), junk, { maxKeys: 1 });

/** Objects with the fields of a request, of which some are missing, some are wrong, and some are too many. */
const request = (required: readonly string[]) =>
  fc
    .tuple(
      fc.record(
        { groupId: mostly(text), userIds: mostly(users), groupName: mostly(text), requestId: junk },
        { requiredKeys: [] },
      ),
      fc.oneof({ weight: 8, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: more }),
      fc.record(Object.fromEntries(required.map((key) => [key, key === 'userIds' ? users : text]))),
    )
    .map(([some, others, needed]) => ({ ...needed, ...some, ...others }));

const body = request([]).map(({ groupId: _, requestId: __, ...rest }) => rest);
const event = request(['groupId', 'userIds']);

/** Tries many, and makes sure that both answers are common. */
async function compare<Value>(values: fc.Arbitrary<Value>, check: (value: Value) => Promise<boolean> | boolean) {
  const verdicts: boolean[] = [];
  const property = fc.asyncProperty(values, async (value) => {
    verdicts.push(await check(value));
  });
  await fc.assert(property, { numRuns: 1500 });
  const taken = verdicts.filter(Boolean).length;
  expect(Math.min(taken, verdicts.length - taken)).toBeGreaterThan(150);
}

describe('random requests', () => {
  it('are refused by the HTTP door exactly if their body does not fit', async () => {
    await compare(mostly(body), async (value) => {
      const { statusCode } = await ask({ caller: alice, body: JSON.stringify(value) });
      const taken = shouldTake('JoinBody', value);
      // Whom a user may add is another matter.
      expect([200, 403].includes(statusCode ?? 0)).toBe(taken);
      return taken;
    });
  });

  it('of services must name users besides', async () => {
    await compare(body, async (value) => {
      const { statusCode } = await ask({ caller: service, body: JSON.stringify(value) });
      const taken = shouldTake('JoinBody', value) && 'userIds' in value;
      expect(statusCode).toBe(taken ? 200 : 400);
      return taken;
    });
  });

  it('are refused by the HTTP door exactly if the group in their path does not fit', async () => {
    await compare(text, async (groupId) => {
      const { statusCode } = await ask({ caller: service, groupId, body: '{"userIds":["a"]}' });
      const taken = fits('PathGroupId', groupId) && fitsInUnits(groupId);
      expect(statusCode).toBe(taken ? 200 : 400);
      return taken;
    });
  });

  it('are taken by the Invoke door and by the queue exactly if they fit', async () => {
    const message = { messageId: 'm', sentAt: 0, receiptHandle: '', receiveCount: 1 };
    await compare(mostly(event), (value) => {
      const taken = shouldTake('InvokeEvent', value);
      if (taken) expect(() => parseMessage(value)).not.toThrow();
      else expect(() => parseMessage(value)).toThrow();
      expect(shouldTake('QueueMessage', value)).toBe(taken);
      expect('request' in readMessage({ ...message, body: JSON.stringify(value) })).toBe(taken);
      return taken;
    });
  });
});

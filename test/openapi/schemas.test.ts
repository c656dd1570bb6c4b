import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { fits, standaloneSchema } from '../helpers/openapi.ts';

const FOLDER = fileURLToPath(new URL('../../docs/schemas/', import.meta.url));
/** The files of docs/schemas. `npm test -- test/openapi -u` writes them anew. */
const FILES: Readonly<Record<string, string>> = {
  'invoke-event.json': 'InvokeEvent',
  'invoke-answer.json': 'InvokeAnswer',
  'invoke-problem.json': 'InvokeProblem',
  'joins-settled.json': 'JoinsSettled',
  'queue-message.json': 'QueueMessage',
};
const PROBLEM = {
  type: 'about:blank',
  title: 'Conflict',
  status: 409,
  code: 'GROUP_FULL',
  detail: 'The group has no room for these users.',
  requestId: 'r',
  outcome: 'rejected',
  retryable: false,
  joined: 1,
  failed: [{ offset: 1, count: 1, code: 'GROUP_FULL', outcome: 'rejected', retryable: false }],
};
const NAME_ERROR = { code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false, upstreamCode: 1002 };
const RESULT = { requestId: 'r', joined: 1, refused: 0, undecided: 0 };
const EVENT = { groupId: 'g', userIds: ['a'] };
const SAMPLES: Readonly<Record<string, readonly [value: object, fits: boolean][]>> = {
  'invoke-event.json': [
    [EVENT, true],
    [{ ...EVENT, requestId: 7 }, true],
    [{ ...EVENT, userIds: [] }, false],
    [{ ...EVENT, more: 1 }, false],
  ],
  'invoke-answer.json': [
    [{ groupId: 'g', joined: ['a'], requestId: 'r' }, true],
    [{ groupId: 'g', joined: [], requestId: 'r' }, false],
  ],
  'invoke-problem.json': [
    [PROBLEM, true],
    [{ ...PROBLEM, joined: 3000, failed: [], nameError: NAME_ERROR }, true],
    [{ ...PROBLEM, nameError: { ...NAME_ERROR, outcome: 'other' } }, false],
    [{ ...PROBLEM, code: 'OTHER' }, false],
    [{ ...PROBLEM, failed: [{ offset: 0 }] }, false],
  ],
  'joins-settled.json': [
    [
      {
        source: 'rongcloud-group-join.prod',
        'detail-type': 'Joins Settled',
        detail: { groupId: 'g', results: [RESULT] },
      },
      true,
    ],
    [{ source: 'another', 'detail-type': 'Joins Settled', detail: { groupId: 'g', results: [RESULT] } }, false],
  ],
  'queue-message.json': [
    [EVENT, true],
    [{ userIds: ['a'] }, false],
  ],
};

describe('docs/schemas', () => {
  it('has a file for each message and no other', () => {
    expect(globSync('*', { cwd: FOLDER }).sort()).toEqual(Object.keys(FILES).sort());
  });

  it.each(Object.entries(FILES))('%s says what docs/openapi.yaml says, alone', async (file, name) => {
    const schema = standaloneSchema(name);
    await expect(`${JSON.stringify(schema, null, 2)}\n`).toMatchFileSnapshot(`${FOLDER}${file}`);
    const validate = addFormats.default(new Ajv2020({ strict: true, strictTypes: false })).compile(schema);
    for (const [value, taken] of SAMPLES[file] ?? []) {
      expect(validate(value)).toBe(taken);
      expect(fits(name, value)).toBe(taken);
    }
    expect(SAMPLES[file]?.length).toBeGreaterThan(1);
  });
});

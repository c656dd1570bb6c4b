import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { IS_SHIPPED_RULE } from './helpers/shipped-rule.ts';

const ROOT = new URL('../', import.meta.url);
const read = (file: string): string => readFileSync(new URL(file, ROOT), 'utf8');

/** Each guarantee of SECURITY.md, with the titles of the tests that hold it, by their file. */
const TESTS: Record<string, Record<string, string[]>> = {
  'Closed by default': {
    'test/lib/policy.test.ts': ['lets a user add itself to a group that it was granted'],
    'test/owasp.test.ts': ['API1 a user whose token grants nothing can not add another user to a group'],
    'test/lib/identity/authenticate.test.ts': ['says IDENTITY_UNAVAILABLE when no key can be had'],
    'test/functions/entry/start.test.ts': ['does not start without its configuration'],
  },
  'Users add themselves': {
    'test/lib/policy.test.ts': ['denies a user that adds %j', 'denies a user that names the group'],
  },
  Signatures: {
    'test/owasp.test.ts': ['API7 a jku that points to a local listener is never fetched'],
    'test/faults/identity.test.ts': ['refuses HS256 with the public key for a secret'],
  },
  Tokens: {
    'test/lib/identity/authenticate.test.ts': ['refuses a token when %s'],
    'test/lib/identity/verified-tokens.test.ts': [
      'is refused while the clock says that it is not yet valid',
      'gives a policy nothing that it could change for the next',
    ],
  },
  Services: {
    'test/lib/identity/caller.test.ts': ['takes the scope of no other client: %j is a user'],
    'test/lib/identity/oracle.test.ts': ['every token is taken for what the docs say'],
    'test/lib/identity/token-config.test.ts': [
      'need clients where %s may make them',
      'refuses the private member %s, without its value',
    ],
  },
  'Your rule': {
    'test/lib/ask-policy.test.ts': [
      'that %s lets nobody in, and keeps its cause',
      'queues nothing with Prefer: %s when the rule fails',
      'that changes %s fails',
    ],
  },
  'Removed keys': {
    'test/lib/identity/issuer-keys.test.ts': ['takes no removed key for longer than 10 minutes if the key set %s'],
    'test/faults/identity.test.ts': ['refuses every token within 10 minutes of an issuer emptying its key set'],
  },
  'An issuer that is down': {
    'test/lib/identity/issuer-keys.test.ts': [
      'goes on with the last good keys for 24 hours while the issuer is down, asking once in 5 seconds',
    ],
  },
  Ids: {
    'test/lib/rongcloud/form.test.ts': [
      'carries everything so that the server decodes what was given, order and repeats kept',
    ],
    'test/lib/join/join-request.test.ts': [
      'refuses an id that is %s, wherever it stands, and does not repeat it',
      'refuses %j in the path, and names the doors that take it',
    ],
    'test/functions/entry/inputs.test.ts': ['refuses ids and names that were not UTF-8'],
  },
  Logs: {
    'test/lib/telemetry/failures.test.ts': ['every code, through a built door'],
    'test/faults/aws.test.ts': [
      'nothing of an answer that is no JSON',
      'nothing of %s',
      "repeats a code for an entry only if it is AWS's: %s",
    ],
    'test/functions/queue.test.ts': [
      'tells what was wrong with a message, without the names that its sender gave to keys',
    ],
  },
  Answers: {
    'test/sandbox/sandbox.test.ts': ['never holds a stack, a secret, a token, a signature or a user'],
    'test/functions/invoke.test.ts': ['throws counts and positions but no ids when somebody did not join'],
  },
  TLS: {
    'test/faults/certificates.test.ts': ["both domains' certificate"],
    'test/faults/aws.test.ts': ['takes no answer of %s whose certificate nobody vouches for'],
    'test/lib/config.test.ts': [
      'wants https of the issuer, but for loopback',
      'wants https of %s too, but for loopback',
    ],
  },
  Redirects: {
    'test/faults/answers.test.ts': ['both domains redirect with'],
    'test/lib/identity/key-set-fetcher.test.ts': ['follows no redirect'],
  },
  'Bounded reads': {
    'test/owasp.test.ts': [
      'API10 an answer of RongCloud is believed only if it is whole, small and said by RongCloud itself',
    ],
    'test/lib/identity/key-set-fetcher.test.ts': ['stops reading at 64 kB'],
    'test/faults/aws.test.ts': ['is cut off, under status %i'],
  },
  'Bounded bodies': {
    'test/functions/http-body.test.ts': [
      'takes the largest legal request, every unit of it escaped, and no larger body',
    ],
    'test/memory.test.ts': ['the HTTP door takes less than 200 MB for a body of %s'],
  },
  'Only through CloudFront': {
    'test/functions/http.test.ts': ['refuses a request that came past what stands in front, before all else'],
    'test/functions/entry/start.test.ts': ['takes only what comes through the front, once it knows the secret of that'],
    'test/lib/config.test.ts': ['takes one origin secret or several, and none too short to be one'],
    'test/guard.test.ts': ['%j is refused, wherever it is set, and the nearest named: %s'],
  },
  Roles: {
    'test/package.test.ts': ['are one for each function, with what it does and nothing else'],
    'test/stages.test.ts': ['gives its role statements, and no other'],
  },
  'Accepted joins': {
    'test/faults/queue.test.ts': [
      'loses nobody when calls fail and hang and the consumer is killed before it can answer',
    ],
    'test/package.test.ts': [
      '%s keeps messages for 14 days, encrypted, and talks TLS alone',
      'keeps asynchronous invocations that failed for good, with their events',
    ],
  },
  'The sandbox': {
    'test/sandbox/browser.test.ts': [
      'joins nobody and reads nothing through any port',
      'can not make the browser load or render any port ahead',
    ],
    'test/sandbox/ports.test.ts': ['refuses a page of %s', 'refuses %s', 'is given to the functions alone'],
    'test/sandbox/start.test.ts': [
      'says how long it takes before it builds, and keeps the real App Secret from what builds',
    ],
    'test/sandbox/console/console.test.ts': ["answers its own page and programs, and no other page's"],
  },
};

it('every guarantee of SECURITY.md has its tests here, and none is here that it does not give', () => {
  const [, part = ''] = read('SECURITY.md').split(/^## What it guarantees$/m);
  const guarantees = [...(part.split(/^## /m)[0] ?? '').matchAll(/^- \*\*(.+?)\.\*\* /gm)].map(([, name]) => name);
  expect(guarantees).toEqual(Object.keys(TESTS));
});

/** About the shipped rule. With another rule its tests are that rule's. */
const ABOUT_THE_RULE = 'test/lib/policy.test.ts';

it.each(Object.entries(TESTS))('%s', (_, tests) => {
  const all = Object.entries(tests).flatMap(([file, titles]) => titles.map((title) => ({ file, title })));
  expect(all.length).toBeGreaterThan(0);
  const named = all.filter(({ file }) => IS_SHIPPED_RULE || file !== ABOUT_THE_RULE);
  // A title stands in its file as it is named, between quotes of any kind.
  const missing = named.filter(({ file, title }) => {
    return !['"', "'", '`'].some((quote) => read(file).includes(`${quote}${title}`));
  });
  expect(missing).toEqual([]);
});

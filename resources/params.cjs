const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { parseDocument } = require('yaml');

const FILE = join(__dirname, '../stages.yml');

/** The blocks of stages.yml as they stand there: osls resolves a `${…}` in them where the parameter is used. */
function blocks() {
  const document = parseDocument(readFileSync(FILE, 'utf8'));
  const [problem] = [...document.errors, ...document.warnings];
  // Its first line alone: the next ones print what stands there.
  if (problem) throw new Error(`stages.yml: ${problem.message.split(':\n', 1)}`);
  return document.toJS() ?? {};
}

/** What a block sets. A value that is left empty in YAML (`name:`) sets nothing. */
const set = (block) =>
  Object.fromEntries(
    Object.entries(block ?? {})
      .filter(([, value]) => value !== null)
      .map(([name, value]) => [name, name === 'jwks' ? keySetText(value) : value]),
  );

/** What verifying takes, and what makes a key a private one, which the guard then refuses. */
const KEY_MEMBERS = [
  'kty',
  'kid',
  'alg',
  'use',
  'crv',
  'x',
  'y',
  'n',
  'e',
  'd',
  'p',
  'q',
  'dp',
  'dq',
  'qi',
  'oth',
  'k',
];

/** A key set as a short text: a function has room for 4 kB of variables. It may stand in YAML as a map. */
function keySetText(value) {
  try {
    const { keys } = typeof value === 'string' ? JSON.parse(value) : value;
    const kept = (key) => Object.fromEntries(Object.entries(key).filter(([name]) => KEY_MEMBERS.includes(name)));
    return JSON.stringify({ keys: keys.map(kept) });
  } catch {
    // What is no key set is the guard's to refuse.
    return String(value);
  }
}

/**
 * The parameters of each stage: our defaults, `custom.defaults` in serverless.yml, and over them what stages.yml sets. In
 * both, the block `default` is for all stages, and a stage's own block wins over it.
 */
module.exports = async ({ resolveVariable }) => {
  const ours = await resolveVariable('self:custom.defaults');
  const theirs = blocks();
  const stages = new Set([...Object.keys(ours), ...Object.keys(theirs)]);
  return Object.fromEntries(
    [...stages].map((stage) => [stage, { ...set(ours[stage]), ...set(theirs.default), ...set(theirs[stage]) }]),
  );
};

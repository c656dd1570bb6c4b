const { readHttpConfig, readJoinConfig, readQueueConfig } = require('../lib/config.ts');
const { ConfigError } = require('../lib/environment.ts');
const { stackProblems } = require('./stack-rules.cjs');

/** What reads the configuration of each function when it starts. */
const READERS = { http: readHttpConfig, invoke: readJoinConfig, queue: readQueueConfig };

/** Of the 4 kB that Lambda has for a function's variables. What CloudFormation fills in takes some of the rest. */
const MAX_VARIABLE_BYTES = 3500;

/**
 * All that is wrong with a stage, in the names that people set, without a value. A stage is what it `sets`, the `known`
 * parameters among them, the `policy` of policy.yml, and the `functions`: the variables of each, and in `parameters` those
 * that are the service's own, with the parameter that sets them.
 */
function problemsOf({ sets, known, functions, policy }) {
  const problems = [
    ...Object.keys(sets).flatMap((name) => (known.includes(name) ? [] : [unknown(name, known, functions)])),
    ...Object.entries(functions).flatMap(([door, { variables, parameters }]) => [
      ...configProblems(READERS[door], variables, parameters),
      ...sizeProblems(door, variables, parameters),
    ]),
    ...stackProblems(sets),
  ];
  // One problem for each parameter: several functions say the same, and so may the table of the stack.
  const subjects = problems.map((problem) => problem.split(' ', 1)[0]);
  const first = problems.filter((_, i) => subjects.indexOf(subjects[i]) === i);
  return [...first, ...policyProblems(policy, functions.http.parameters)];
}

/** What a function itself would say at its start. It can't be said of what CloudFormation has still to fill in. */
function configProblems(read, variables, parameters) {
  const isOpen = (value) => typeof value === 'object' || String(value).includes('{{resolve:');
  const open = Object.keys(variables).filter((name) => isOpen(variables[name]));
  const given = Object.entries(variables).filter(([name]) => !open.includes(name));
  try {
    // Plain http is for loopback hosts. None can be reached from Lambda, so there it is like any other scheme.
    read(Object.fromEntries(given.map(([name, value]) => [name, String(value).replaceAll('http:', 'plain-http:')])));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems
      .filter((problem) => !open.some((name) => problem.startsWith(`${name} `)))
      .map((problem) => problem.replaceAll(/\b[A-Z][A-Z_]+\b/g, (name) => parameters[name] ?? name));
  }
}

function sizeProblems(door, variables, parameters) {
  const size = (value) => Buffer.byteLength(JSON.stringify(value));
  const total = size(variables);
  if (total <= MAX_VARIABLE_BYTES) return [];
  const [largest] = Object.keys(variables).sort((a, b) => size(variables[b]) - size(variables[a]));
  return [
    `${parameters[largest] ?? largest} is the largest variable of the ${door} function: all of them together have ${total} bytes, and may have ${MAX_VARIABLE_BYTES}`,
  ];
}

/** What policy.yml may not hold. A variable of the service's own would take the place of what the stage sets. */
function policyProblems({ environment, statements, ...others }, parameters) {
  const taken = Object.keys(environment ?? {}).filter((name) => Object.hasOwn(parameters, name));
  const advice = (name) => (parameters[name] ? `set ${parameters[name]} in stages.yml` : 'take another name');
  return [
    ...Object.keys(others).map((name) => `policy.yml has environment and statements, and no ${name}`),
    ...taken.map((name) => `${name} in policy.yml is a variable of the service's own: ${advice(name)}`),
    ...(Array.isArray(statements ?? []) ? [] : ['statements in policy.yml must be a list']),
  ];
}

/** An unknown parameter, with the known one whose name, or whose variable's name, is most like it. */
function unknown(name, known, functions) {
  const names = [
    ...known.map((one) => [one, one]),
    ...Object.values(functions).flatMap(({ parameters }) => Object.entries(parameters).filter(([, set]) => set)),
  ];
  const likeness = ([text]) => {
    const [a, b] = [pairs(text), pairs(name)];
    return a.intersection(b).size / a.union(b).size;
  };
  const [[, nearest]] = names.sort((a, b) => likeness(b) - likeness(a));
  return `${name} is no parameter: the nearest is ${nearest}`;
}

/** The pairs of letters next to each other, whatever their case and what stands between them. */
function pairs(text) {
  const letters = text.toLowerCase().replaceAll(/[^a-z]/g, '');
  return new Set(Array.from(letters, (_, i) => letters.slice(i, i + 2)));
}

module.exports = { problemsOf };

const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { problemsOf } = require('./stage-problems.cjs');

const NOBODY = 'By the shipped rule no user can join: neither jwtGroupsClaim nor openGroups is set. Services can.';
const ANY_CLIENT =
  'Any client that gets the scope of jwtServiceScope is a service, and may add anyone. Name your backends in jwtServiceClients.';
const GUARDED = ['package', 'deploy', 'deploy function'];

/**
 * Refuses to package or deploy a stage whose values are missing or wrong, and names them, before anything is built or
 * sent. Builds what is packaged, so that no old bundle is. Says where the package is.
 */
module.exports = class Guard {
  constructor(serverless, options, { log }) {
    const { service, processedInput, configurationInput } = serverless;
    const command = processedInput.commands.join(' ');
    // Not later: osls puts the values in next.
    const own = GUARDED.includes(command) ? ownVariables(configurationInput) : undefined;
    const build = async () => {
      // The tests have built already, and run what is in dist/ while they package.
      if (process.env.DIST_IS_BUILT) return;
      const { buildFunctions } = await import('../build.ts');
      await buildFunctions();
    };
    this.hooks = {
      initialize: () => own && check(serverless, own, log),
      'before:package:createDeploymentArtifacts': build,
      'before:package:function:package': build,
      // osls 4.3.1 looks for the name of a role, and CloudFormation names these. A role changes with the whole stack alone.
      'before:deploy:function:deploy': () => {
        service.getFunction(options.function).role = service.provider.remoteFunctionData.Configuration.Role;
      },
      finalize: () => {
        if (command !== 'package') return;
        const folder = options.package ?? '.serverless';
        log.notice(`The package is ${join(folder, `${service.service}.zip`)},`);
        log.notice(`its template ${join(folder, 'cloudformation-template-update-stack.json')}.`);
      },
    };
  }
};

/**
 * The variables of each function by serverless.yml, and which parameter sets them: `JWT_ISSUER: ${param:jwtIssuer}`. It is
 * undefined where none does.
 */
function ownVariables({ provider, functions: [functions] }) {
  const entries = Object.entries(functions).map(([door, { environment }]) => {
    const variables = Object.entries({ ...provider.environment, ...environment });
    return [door, Object.fromEntries(variables.map(([name, value]) => [name, /^\$\{param:(\w+)\}$/.exec(value)?.[1]]))];
  });
  return Object.fromEntries(entries);
}

function check(serverless, own, log) {
  const { service, configurationInput, processedInput, classes } = serverless;
  const stage = processedInput.options.stage ?? service.provider.stage;
  const sets = {
    ...configurationInput.params.default,
    ...configurationInput.params[stage],
    ...fromCommandLine(processedInput.options.param),
  };
  const functions = Object.entries(own).map(([door, parameters]) => {
    const variables = { ...service.provider.environment, ...service.functions[door].environment };
    for (const [name, parameter] of Object.entries(parameters)) if (parameter) variables[name] = sets[parameter];
    return [door, { variables, parameters }];
  });
  const known = Object.keys(service.custom.defaults.default);
  const policy = service.custom.policy || {};
  const problems = problemsOf({ sets, known, functions: Object.fromEntries(functions), policy });
  if (problems.length > 0) {
    const list = problems.map((problem) => `- ${problem}`).join('\n');
    const advice = `Set them in stages.yml under ${stage}, or with --param="name=value".`;
    throw new classes.Error(`These values of the stage are missing or wrong:\n${list}\n${advice}`);
  }
  if (sets.jwtGroupsClaim === '' && sets.openGroups === '' && asksForGroups()) log.notice(NOBODY);
  if (sets.jwtServiceClients === '') log.notice(ANY_CLIENT);
}

/** Whether the rule looks at the groups that a token grants or a stage opens, as the shipped one does. */
function asksForGroups() {
  return readFileSync(join(__dirname, '../lib/policy.ts'), 'utf8').includes('groupPatterns');
}

/** What stands after `--param`, as it was given: osls cuts blanks at the end, and a secret of blanks would be none. */
function fromCommandLine(options = []) {
  return Object.fromEntries(options.map((option) => /([^=]+)=(.+)/.exec(option).slice(1)));
}

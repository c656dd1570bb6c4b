const { join } = require('node:path');
const { QUEUE_URL } = require('./join-queue.cjs');

const NOBODY = 'By the shipped rule no user can join: neither jwtGroupsClaim nor openGroups is set. Services can.';
const GUARDED = ['package', 'deploy', 'deploy function'];

/** What is wrong with the values that CloudFormation gets to see, in the words of resources/parameters.yml. */
function parameterFaults(parameters) {
  return Object.values(parameters).flatMap(({ Default, AllowedPattern, ConstraintDescription }) =>
    new RegExp(`^(?:${AllowedPattern})$`).test(Default) ? [] : [ConstraintDescription],
  );
}

/** What is wrong with the values that no parameter of a template can hold: references, and what is secret. */
function otherFaults({ JOIN_QUEUE_URL, ORIGIN_SECRET }, queue, { param = [] }) {
  const ours = (url, id) => url?.Ref === id;
  const shared = String(ORIGIN_SECRET).split(',');
  const secret = (text) => text.trim().length >= 16;
  // osls cuts blanks at the end of an option, and a secret of blanks would come here as none.
  const isBlank = param.some((option) => /^originSecret=\s+$/.test(option));
  return [
    ...(ours(JOIN_QUEUE_URL, 'JoinQueue') || JOIN_QUEUE_URL === '' || QUEUE_URL.test(JOIN_QUEUE_URL)
      ? []
      : ['joinQueueUrl must be the https URL of an SQS queue, or empty']),
    ...(ours(queue.JOIN_QUEUE_URL, 'JoinQueue') ? [] : ["ownQueueUrl must be this stack's own queue: do not set it"]),
    ...(ours(queue.JOIN_DLQ_URL, 'JoinDeadLetterQueue')
      ? []
      : ["deadLetterQueueUrl must be this stack's own queue: do not set it"]),
    ...(!isBlank && (ORIGIN_SECRET === '' || shared.every(secret))
      ? []
      : ['originSecret must be at least 16 characters']),
  ];
}

/**
 * Refuses to package or deploy a stage whose values are missing or wrong, and names them, before anything is built or
 * sent. Builds what is packaged, so that no old bundle is. Says where the package is.
 */
module.exports = class Guard {
  constructor(serverless, options, { log }) {
    const { service, processedInput } = serverless;
    const command = processedInput.commands.join(' ');
    const build = async () => {
      // The tests have built already, and run what is in dist/ while they package.
      if (process.env.DIST_IS_BUILT) return;
      const { buildFunctions } = await import('../build.ts');
      await buildFunctions();
    };
    this.hooks = {
      initialize: () => GUARDED.includes(command) && check(serverless, options, log),
      'before:package:createDeploymentArtifacts': build,
      'before:package:function:package': build,
      finalize: () => {
        if (command !== 'package') return;
        const folder = options.package ?? '.serverless';
        log.notice(`The package is ${join(folder, `${service.service}.zip`)},`);
        log.notice(`its template ${join(folder, 'cloudformation-template-update-stack.json')}.`);
      },
    };
  }
};

function check({ service, classes }, options, log) {
  const { http, queue } = service.functions;
  const faults = [
    ...parameterFaults(service.resources.Parameters),
    ...otherFaults(http.environment, queue.environment, options),
  ];
  const { JWT_GROUPS_CLAIM, OPEN_GROUPS } = http.environment;
  if (faults.length === 0) {
    if (JWT_GROUPS_CLAIM === '' && OPEN_GROUPS === '') log.notice(NOBODY);
    return;
  }
  const list = faults.map((fault) => `- ${fault}`).join('\n');
  const advice = 'Set them in stages.yml under the stage, or with --param="name=value".';
  throw new classes.Error(`These values of the stage are missing or wrong:\n${list}\n${advice}`);
}

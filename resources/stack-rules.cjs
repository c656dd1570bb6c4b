const { QUEUE_URL } = require('./join-queue.cjs');

const ARN = {
  alarms: String.raw`arn:[\w-]+:cloudwatch:[\w-]+:\d{12}:alarm:[^,\s]+`,
  key: /^(arn:[\w-]+:kms:[\w-]+:\d{12}:key\/[\w-]+)?$/,
  topic: /^(arn:[\w-]+:sns:[\w-]+:\d{12}:[\w-]+)?$/,
};
const NUMBER = /^\d+(\.\d+)?$/;

/**
 * What the values must be that only the stack reads: lib/config.ts never gets to see them, or takes more than the stack can.
 * Each has the pattern of the whole value, a reference in its JSON, and what must be said of it.
 */
const RULES = {
  // The roles' permission is made of the name.
  secretId: [/^[\w/+=.@-]+$/, 'the name of a secret, not its ARN'],
  upstreamLimit: [NUMBER, 'a number'],
  queueConcurrency: [/^([2-9]|[1-9]\d{1,2}|1000)$/, 'a whole number from 2 to 1000'],
  // The HTTP function's permission is made of the URL.
  joinQueueUrl: [
    new RegExp(String.raw`^(\{"Ref":"JoinQueue"\})?$|${QUEUE_URL.source}`),
    'the https URL of an SQS queue, or empty',
  ],
  ownQueueUrl: [/^\{"Ref":"JoinQueue"\}$/, "this stack's own queue: do not set it"],
  deadLetterQueueUrl: [/^\{"Ref":"JoinDeadLetterQueue"\}$/, "this stack's own queue: do not set it"],
  corsOrigins: [
    /^(\*|https?:\/\/[^,/\sA-Z]+(,https?:\/\/[^,/\sA-Z]+)*)?$/,
    'origins as browsers send them (https://app.example), with commas between and no spaces',
  ],
  corsHeaders: [/^([\w-]+(,[\w-]+)*)?$/, 'names of headers, with commas between and no spaces'],
  throttleRate: [NUMBER, 'a number'],
  throttleBurst: [/^\d+$/, 'a whole number'],
  httpConcurrency: [/^\d*$/, 'a whole number'],
  alarmTopicArn: [ARN.topic, 'the ARN of an SNS topic'],
  ticketTopicArn: [ARN.topic, 'the ARN of an SNS topic'],
  secretKmsKeyArn: [ARN.key, 'the ARN of a KMS key, not of an alias'],
  dataKmsKeyArn: [ARN.key, 'the ARN of a KMS key, not of an alias'],
  // A stack takes five rollback triggers at most.
  // https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-rollback-triggers.html
  rollbackAlarmArns: [
    new RegExp(`^(none|${ARN.alarms}(,${ARN.alarms}){0,4})?$`),
    'the ARNs of at most five alarms, with commas between and no spaces, or none',
  ],
  rollbackMinutes: [/^(\d{1,2}|1[0-7]\d|180)$/, 'a whole number from 0 to 180'],
  removal: [/^(Delete|Retain)$/, 'Delete or Retain'],
  // https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutRetentionPolicy.html
  logRetentionDays: [
    /^(1|3|5|7|14|30|60|90|120|150|180|365|400|545|731|1096|1827|2192|2557|2922|3288|3653)$/,
    'a number of days that CloudWatch Logs takes, such as 7, 30, 90 or 365',
  ],
  tracing: [/^(PassThrough|Active)$/, 'PassThrough or Active'],
  alarms: [/^(yes|no)$/, 'yes or no'],
  dashboard: [/^(yes|no)$/, 'yes or no'],
  // Powertools reads it.
  logLevel: [/^(DEBUG|INFO|WARN|ERROR)$/, 'DEBUG, INFO, WARN or ERROR'],
};

const textOf = (value) => (typeof value === 'object' ? JSON.stringify(value) : String(value));

/** What is wrong with the values that only the stack reads, each problem with its parameter's name first. */
function stackProblems(values) {
  const { upstreamLimit, queueRate, queueConcurrency } = values;
  return [
    ...Object.entries(RULES).flatMap(([name, [pattern, what]]) =>
      pattern.test(textOf(values[name])) ? [] : [`${name} must be ${what}`],
    ),
    ...(queueRate * queueConcurrency > upstreamLimit / 2
      ? ['queueRate times queueConcurrency must be at most half of upstreamLimit']
      : []),
  ];
}

module.exports = { RULES, stackProblems };

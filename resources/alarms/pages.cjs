const { names, ofCode, failures, atDoor, byDoor, lambda, sqs, api, logged } = require('./metrics.cjs');

/** Of these functions no other alarm tells: API Gateway tells of the HTTP function's. */
const BEHIND_NO_GATEWAY = ['Invoke', 'Queue'];

/** Most of what a door was asked to do failed, and not for the callers' faults. */
const servesNobody = (door) => ({
  watches: [atDoor(names.unserved, door, 'Average')],
  above: 0.9,
  see: 'ServesNobody',
});

/**
 * Three of `refused` in twelve minutes, and none `accepted`. Twelve, so that one that is accepted in ten minutes is seen
 * whenever its data point comes. The window slides, minute by minute.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation-window.html
 */
const refusesAll = (refused, accepted) => ({
  watches: [...refused, ...accepted],
  expression: `${refused.map((_, i) => `(m${i} > 2)`).join(' + ')} - 1000 * (${accepted.map((_, i) => `m${refused.length + i}`).join(' + ')})`,
  above: 0,
  minutes: 12,
  of: [1, 1],
});

/**
 * What wakes somebody: no join succeeds, or none through one door. At one request in two minutes there is a data point
 * every other minute, so three minutes of ten is quick enough and one failure is not enough. What SQS brings back may
 * make two data points in ten minutes and no more: a message that nobody is decided of is delivered after 10 to 60
 * seconds five times, then every 6 minutes. Over fifteen minutes there are always two, so the alarm stays raised.
 */
module.exports = {
  HttpServesNobody: {
    ...servesNobody('http'),
    of: [3, 10],
    todo: "Nine of ten requests by HTTP fail, not for the callers' faults. See which code they fail with.",
  },
  InvokeServesNobody: {
    ...servesNobody('invoke'),
    of: [3, 10],
    todo: "Nine of ten invocations fail, not for the callers' faults. See which code they fail with.",
  },
  QueueServesNobody: {
    ...servesNobody('queue'),
    of: [2, 15],
    todo: 'No batch of the queue gets a yes or no from RongCloud; its messages stay. See which code the batches fail with.',
  },
  QueueStuck: {
    // A message that was delivered often makes one data point in 6 minutes: two would take up to 14. It is over 6 minutes
    // old when it meets a new failure, whose first data point is then enough.
    watches: [atDoor(names.unserved, 'queue', 'Average'), atDoor(names.messageAge, 'queue', 'Maximum')],
    expression: '(m0 > 0.9) * m1',
    above: 360_000,
    of: [1, 15],
    see: 'ServesNobody',
    todo: 'Messages have waited for over 6 minutes, and no batch gets a yes or no from RongCloud. See which code the batches fail with.',
  },
  EverybodyRefused: {
    // Whoever is admitted is served or not; the callers' own faults count as neither.
    ...refusesAll([atDoor(names.refusedCallers, 'http', 'Maximum')], [atDoor(names.unserved, 'http', 'SampleCount')]),
    todo: 'Callers whose tokens are for this app get 401 or 403, and nobody is admitted by HTTP. Look at what was deployed last: issuer, audience, groups claim, rule.',
  },
  UpstreamRefusesAll: {
    ...refusesAll(
      [
        ofCode(names.refusedGroups, 'GROUP_FULL', 'Maximum'),
        // Users and not groups: an app may have one group, and one user may try many.
        ofCode(names.refusedUsers, 'UPSTREAM_REJECTED', 'Maximum'),
      ],
      byDoor(names.joinedUsers),
    ),
    todo: 'RongCloud refuses several users, or several groups are full, and nobody joins. See with which upstreamCode, and whether the secret is that of the right app.',
  },
  InvokeCannotRun: {
    // The door throws what it tells its caller, which Lambda counts too. Lambda's numbers may come before ours: for two
    // minutes at most, so three are needed.
    watches: [lambda('Errors', 'Invoke'), atDoor(names.failedRequests, 'invoke'), lambda('Invocations', 'Invoke')],
    expression: '100 * (m0 - m1) / m2',
    above: 90,
    of: [3, 10],
    see: 'CannotRun',
    todo: 'The Invoke function cannot start, or runs out of time or memory. Look at the last deployment and the ends of its logs.',
  },
  QueueCannotRun: {
    // A failed invocation hides its messages for 6 minutes, so the first is enough: a healthy function has none.
    watches: [lambda('Errors', 'Queue'), lambda('Invocations', 'Queue')],
    expression: '100 * m0 / m1',
    above: 90,
    of: [1, 15],
    see: 'CannotRun',
    todo: 'The queue function cannot start, or runs out of time or memory. Its messages come back every 6 minutes.',
  },
  QueueNotRead: {
    // Of a minute without waiting messages there is no data point: what divides by zero is dropped.
    watches: [
      sqs('NumberOfMessagesReceived', 'JoinQueue', 'Sum'),
      sqs('ApproximateNumberOfMessagesVisible', 'JoinQueue'),
    ],
    expression: 'm0 / m1',
    atMost: 0,
    of: [5, 10],
    todo: 'Messages wait and nobody reads them: the event source is disabled or deleted, or may not read the queue.',
  },
  AllThrottled: {
    watches: ['Throttles', 'Invocations'].flatMap((name) => BEHIND_NO_GATEWAY.map((door) => lambda(name, door))),
    expression: '100 * (m0 + m1) / (m0 + m1 + m2 + m3)',
    above: 50,
    of: [2, 15],
    todo: 'Lambda refuses most invocations: the concurrency of the account is used up. Raise the limit, or find who uses it.',
  },
  ApiFailing: {
    watches: [api('5xx'), api('Count')],
    expression: '100 * m0 / m1',
    above: 50,
    of: [3, 10],
    see: 'ApiErrors',
    todo: 'API Gateway answers 5xx to most requests. If our log has no line for them, it cannot invoke the function.',
  },
  ApiTurnsAway: {
    // AWS does not say whether Count has what was throttled, so it is added: of nothing but 429s this gives 50 or 100.
    watches: [logged('TooManyRequests'), api('Count')],
    expression: '100 * m0 / (m0 + m1)',
    above: 40,
    of: [3, 10],
    see: 'TooManyRequests',
    todo: 'API Gateway turns most requests away with 429. Find who sends them, and put a web ACL in front.',
  },
  CredentialsUnavailable: {
    watches: [failures('CREDENTIALS_UNAVAILABLE')],
    above: 0,
    of: [2, 15],
    todo: 'The secret can not be read, or is malformed: new environments join nobody. Look at the cause in the logs, then at the secret, its key and the role.',
  },
  IdentityUnavailable: {
    watches: [failures('IDENTITY_UNAVAILABLE')],
    above: 0,
    of: [2, 10],
    todo: 'The keys of the token issuer are out of reach and none are held: nobody gets in by HTTP. Look at the issuer and at JWKS_URI.',
  },
};

const { names, failures, atDoor, byDoor, lambda, sqs, api, logged } = require('./metrics.cjs');

const UPSTREAM = ['UPSTREAM_UNAVAILABLE', 'UPSTREAM_TIMEOUT', 'UPSTREAM_UNREACHABLE', 'UPSTREAM_UNREADABLE'];
const THREE_DAYS = 3 * 24 * 60 * 60;

/**
 * What can wait for the morning: joins go on, or the failure is of a few. A message that comes back every 6 minutes makes
 * three data points in twenty minutes, always.
 */
module.exports = {
  Errors: {
    watches: [failures('INTERNAL'), lambda('Errors', 'Http'), lambda('Errors', 'Queue')],
    above: 0,
    of: [1, 15],
    todo: 'A bug, or a function that could not start or ran out of time. Look at the error lines of the logs for the cause.',
  },
  PolicyUnavailable: {
    watches: [failures('POLICY_UNAVAILABLE')],
    above: 0,
    of: [2, 15],
    see: 'Errors',
    todo: 'The rule in lib/policy.ts throws, gives no Decision or is late, and lets nobody in. Look at cause and stack in the logs.',
  },
  UpstreamUnavailable: {
    watches: [...UPSTREAM.map(failures), ...byDoor(names.upstreamCalls)],
    expression: '100 * (m0 + m1 + m2 + m3) / (m4 + m5 + m6)',
    above: 5,
    of: [3, 20],
    todo: 'RongCloud fails on both domains. Nothing is lost on the queue; other callers are told to try again. Look at the status of RongCloud.',
  },
  RateRefusals: {
    watches: [...byDoor(names.rateRefusals), ...byDoor(names.upstreamCalls)],
    expression: '100 * (m0 + m1 + m2) / (m3 + m4 + m5)',
    above: 5,
    of: [3, 20],
    todo: 'The doors together pass the 100 calls a second of RongCloud. Move bulk joins to the queue, or lower queueRate.',
  },
  StaleSecret: {
    watches: byDoor(names.staleSecret),
    above: 0,
    of: [3, 20],
    see: 'CredentialsUnavailable',
    todo: 'The secret can not be read; old values serve, for 24 hours at most. Look at the secret, its key and the role today.',
  },
  StaleKeys: {
    watches: [atDoor(names.staleKeys, 'http')],
    above: 0,
    of: [3, 15],
    see: 'IdentityUnavailable',
    todo: 'The keys of the token issuer can not be fetched; old ones serve, for 24 hours at most. Look at the issuer today.',
  },
  QueueUnavailable: {
    watches: [failures('QUEUE_UNAVAILABLE')],
    above: 0,
    of: [2, 15],
    todo: 'SQS takes no messages from this service. Look at the cause in the logs, then at the queue, its key and the roles.',
  },
  DeadLetters: {
    watches: [sqs('ApproximateNumberOfMessagesVisible', 'JoinDeadLetterQueue')],
    above: 0,
    of: [1, 5],
    todo: 'Joins that can not succeed as they are wait for a person. Look at their attribute code, mend the reason, put them back.',
  },
  DeadLettersGrow: {
    watches: [sqs('ApproximateNumberOfMessagesVisible', 'JoinDeadLetterQueue')],
    expression: 'DIFF(m0)',
    above: 0,
    of: [3, 30],
    see: 'DeadLetters',
    todo: 'The dead-letter queue keeps growing: a sender makes the same mistake again and again, or RongCloud lacks the users.',
  },
  DeadLettersOld: {
    watches: [sqs('ApproximateAgeOfOldestMessage', 'JoinDeadLetterQueue')],
    above: THREE_DAYS,
    of: [1, 5],
    see: 'DeadLetters',
    todo: 'A dead letter is over 3 days old. SQS deletes it after 14: mend the reason and put it back, or decide to lose it.',
  },
  OldestMessage: {
    // One data point in 6 minutes is all that a message makes that comes back again and again.
    watches: [atDoor(names.messageAge, 'queue', 'Maximum')],
    above: 900_000,
    of: [1, 15],
    todo: 'A message has waited for over 15 minutes: the queue falls behind, or the same messages fail again and again.',
  },
  FailedInvocations: {
    watches: [sqs('ApproximateNumberOfMessagesVisible', 'FailedInvocationQueue')],
    above: 0,
    of: [1, 5],
    todo: 'Asynchronous invocations that failed for good are kept with their events. Look at the reason, then replay them.',
  },
  LostInvocations: {
    watches: [lambda('DestinationDeliveryFailures', 'Invoke'), lambda('AsyncEventsDropped', 'Invoke')],
    above: 0,
    of: [1, 5],
    see: 'FailedInvocations',
    todo: 'Asynchronous invocations failed and could not be kept either. Look at the queue of failed invocations, its key and the role.',
  },
  LostEvents: {
    needs: 'resultBus',
    watches: [atDoor(names.lostEvents, 'queue')],
    above: 0,
    of: [1, 15],
    todo: 'The event bus did not take what became of queued joins. The joins themselves are not affected. Look at the bus and the role.',
  },
  ApiErrors: {
    watches: [api('5xx'), api('Count')],
    expression: '100 * m0 / m1',
    above: 5,
    of: [3, 15],
    todo: 'One request in twenty gets a 5xx from API Gateway. Failures by code on the dashboard says which are ours.',
  },
  TooManyRequests: {
    watches: [logged('TooManyRequests'), api('Count')],
    expression: '100 * m0 / (m0 + m1)',
    above: 5,
    of: [3, 15],
    todo: 'API Gateway turns one request in twenty away with 429. Find who sends too many, or raise throttleRate.',
  },
  SlowAnswers: {
    watches: [lambda('Duration', 'Http', 'p99')],
    above: 6000,
    of: [3, 15],
    todo: 'One in a hundred callers waits for over 6 seconds. Compare identityMs, secretMs and upstreamMs in the logs.',
  },
  UnauthenticatedFlood: {
    watches: [failures('UNAUTHENTICATED')],
    above: 600,
    of: [2, 5],
    see: 'TooManyRequests',
    todo: 'Strangers, or clients with tokens that are no good, use up the throttle that callers share. Find out which, and put a web ACL in front.',
  },
};

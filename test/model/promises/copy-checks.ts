import type { QueueWorld } from '../queue-world.ts';
import type { Breach } from './breach.ts';

const HOUR_MS = 3_600_000;

/** Watches that a world's queue never holds more messages than clients sent, but for those that a batch is replacing. */
export function watchForCopies(world: QueueWorld): () => Breach[] {
  const { queue, lambda, ledger } = world;
  const found: Breach[] = [];
  world.onBatch = () => {
    const running = new Set(lambda.invocations.filter(({ end }) => end === 'running').map(({ id }) => id));
    const replacing = ledger.rests.filter(({ sentBy }) => running.has(sentBy)).length;
    const messages = queue.messages.length - replacing;
    const sent = ledger.sent.length;
    if (messages > sent) found.push({ promise: 'nothing multiplies', detail: `${messages} messages of ${sent}` });
  };
  return () => found;
}

/** Checks that up to a moment no environment sent two letters for one user of one message within an hour. */
export function* repeatedLetters({ ledger, lambda }: QueueWorld, until: number): Generator<Breach> {
  const last = new Map<string, number>();
  for (const { sentBy, at, requestId, failed } of ledger.letters) {
    if (at >= until) return;
    const environment = lambda.invocations.find(({ id }) => id === sentBy)?.environment;
    for (const userId of failed) {
      const key = `${environment} ${requestId} ${userId}`;
      const since = at - (last.get(key) ?? Number.NEGATIVE_INFINITY);
      last.set(key, at);
      if (since >= HOUR_MS) continue;
      yield { promise: 'nothing multiplies', detail: `a letter for ${userId} again after ${since / 1000} s` };
    }
  }
}

/** Checks that each delivery of a message sent one letter for a user at the most. */
export function* lettersOfDeliveries({ ledger, lambda }: QueueWorld): Generator<Breach> {
  const letters = Map.groupBy(ledger.letters, ({ sentBy }) => sentBy);
  for (const { id, event } of lambda.invocations) {
    const most = countBy(event.Records.map((message) => ledger.wishOf(message).requestId));
    const users = (letters.get(id) ?? []).flatMap(({ requestId, failed }) =>
      failed.map((one) => `${requestId} ${one}`),
    );
    for (const [user, count] of countBy(users)) {
      const allowed = most.get(user.split(' ')[0] ?? '') ?? 0;
      if (count > allowed) yield { promise: 'nothing multiplies', detail: `${count} letters for ${user} in a batch` };
    }
  }
}

/** Checks that an environment makes no more than one smaller message of each message in any hour. */
export function* repeatedRests({ ledger, lambda }: QueueWorld): Generator<Breach> {
  const invocations = new Map(lambda.invocations.map((invocation) => [invocation.id, invocation]));
  const rests = ledger.rests.map(({ sentBy, at, wish }) => {
    return { at, key: `${invocations.get(sentBy)?.environment} ${wish.requestId}` };
  });
  for (const [key, moments] of Map.groupBy(rests, (rest) => rest.key)) {
    const [environment, requestId] = key.split(' ');
    for (const { at } of moments) {
      const count = moments.filter((other) => other.at > at - HOUR_MS && other.at <= at).length;
      const seen = new Set(
        lambda.invocations
          .filter((one) => String(one.environment) === environment && one.startedAt <= at && one.endedAt > at - HOUR_MS)
          .flatMap(({ event }) => event.Records)
          .filter((message) => ledger.wishOf(message).requestId === requestId)
          .map(({ messageId }) => messageId),
      );
      if (count > seen.size) {
        yield { promise: 'nothing multiplies', detail: `${count} rests of ${seen.size} messages of ${requestId}` };
      }
    }
  }
}

function countBy(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

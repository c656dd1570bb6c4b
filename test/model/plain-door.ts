import { SendMessageCommand } from '@aws-sdk/client-sqs';
import type { SQSRecord } from 'aws-lambda';
import { JoinError } from '../../lib/errors.ts';
import { sign } from '../../lib/rongcloud/signature.ts';
import { type CreateDoor, DEAD_LETTER_QUEUE_URL, type DoorMeans, QUEUE_URL } from '../../tools/sim/queue-door.ts';

/** Something that a door does wrong. */
export type Flaw =
  | 'loses what is not taken'
  | 'refuses on trouble'
  | 'forgets invalid messages'
  | 'never dead-letters'
  | 'keeps whole messages'
  | 'sends rests of the same size'
  | 'miscounts'
  | 'hurries'
  | 'never looks at the clock'
  | 'names in the wrong order'
  | 'forgets names';

const JOIN = new URL('https://im.invalid/group/join.json');

type Verdict = 'joined' | 'UPSTREAM_REJECTED' | 'GROUP_FULL';

interface Request {
  record: SQSRecord;
  groupId: string;
  userIds: string[];
  groupName?: string;
  requestId: string;
  sentAt: number;
}

const VERDICTS: Readonly<Record<number, Verdict>> = {
  200: 'joined',
  400: 'UPSTREAM_REJECTED',
  1002: 'UPSTREAM_REJECTED',
  405: 'GROUP_FULL',
};

/** A door that keeps every promise in the plainest way: one call for each user, one after another. */
export function createPlainDoor(flaw?: Flaw): CreateDoor {
  return (means) =>
    async ({ Records: records }, { getRemainingTimeInMillis }) =>
      new PlainBatch(means, flaw, means.clock.steady() + getRemainingTimeInMillis()).settle(records);
}

class PlainBatch {
  readonly #means: DoorMeans;
  readonly #flaw: Flaw | undefined;
  readonly #deadline: number;
  readonly #verdicts = new Map<string, Verdict>();
  /** Names by their message that are settled: given, outdone by a newer one, or refused. */
  readonly #settledNames = new Map<Request, 'given' | 'refused'>();

  constructor(means: DoorMeans, flaw: Flaw | undefined, endsAt: number) {
    this.#means = means;
    this.#flaw = flaw;
    this.#deadline = flaw === 'never looks at the clock' ? endsAt + 60_000 : endsAt - 7000;
  }

  async settle(records: readonly SQSRecord[]) {
    const requests: Request[] = [];
    const invalid: SQSRecord[] = [];
    for (const record of records) {
      const request = read(record);
      if (request) requests.push(request);
      else invalid.push(record);
    }
    const secret = await this.#means.readSecret().catch(() => undefined);
    if (secret !== undefined) await this.#call(requests, JSON.parse(secret).appSecret);
    const kept = await Promise.all([
      ...invalid.map(({ messageId, body }) =>
        this.#sendLetter(body, 'INVALID_REQUEST', messageId, 0).then((sent) => sent || messageId),
      ),
      ...requests.map((request) => this.#account(request).then((done) => done || request.record.messageId)),
    ]);
    return { batchItemFailures: kept.flatMap((id) => (typeof id === 'string' ? [{ itemIdentifier: id }] : [])) };
  }

  async #call(requests: readonly Request[], appSecret: string): Promise<void> {
    for (const { groupId, userIds } of requests) {
      for (const userId of userIds) {
        const key = `${groupId}\n${userId}`;
        if (this.#verdicts.has(key)) continue;
        const code = await this.#exchange(appSecret, { groupId, userId });
        const verdict =
          VERDICTS[code ?? 0] ?? (this.#flaw === 'refuses on trouble' && code ? 'UPSTREAM_REJECTED' : undefined);
        if (verdict) this.#verdicts.set(key, verdict);
      }
    }
    const named = requests.filter(({ groupName }) => groupName !== undefined && this.#flaw !== 'forgets names');
    for (const some of Map.groupBy(named, ({ groupId }) => groupId).values()) await this.#name(some, appSecret);
  }

  /** Tries the names of a group from the newest on until one is accepted. */
  async #name(requests: readonly Request[], appSecret: string): Promise<void> {
    const sorted = requests.toSorted((a, b) => b.sentAt - a.sentAt);
    for (const [i, request] of sorted.entries()) {
      const { groupId, userIds, groupName = '' } = request;
      const userId = userIds.find((one) => this.#verdict(groupId, one) === 'joined');
      if (userId === undefined) continue;
      const code = await this.#exchange(appSecret, { groupId, userId, groupName });
      if (code === undefined) return;
      this.#settledNames.set(request, code === 200 ? 'given' : 'refused');
      if (code !== 200) continue;
      for (const older of sorted.slice(i)) this.#settledNames.set(older, 'given');
      if (this.#flaw !== 'names in the wrong order') return;
    }
  }

  /** The code of an answer that is about the call; undefined if it says nothing of it. */
  async #exchange(appSecret: string, pairs: Record<string, string>): Promise<number | undefined> {
    const { clock, sleep, random, ratePerSecond, transport } = this.#means;
    if (this.#deadline - clock.steady() < 1100) return undefined;
    if (this.#flaw !== 'hurries') await sleep(1000 / ratePerSecond);
    const timeoutMs = Math.min(5000, this.#deadline - clock.steady());
    const signed = sign({ appKey: 'key', appSecret }, String(random()).slice(0, 18), clock.wall());
    const headers = { ...signed, 'Content-Type': 'application/x-www-form-urlencoded' };
    const end = await transport.post({ url: JOIN, headers, body: new URLSearchParams(pairs).toString(), timeoutMs });
    if (end instanceof JoinError || !end.complete) return undefined;
    if (end.status === 403) return 403;
    if (end.status === 502) return undefined;
    const { code } = JSON.parse(end.body);
    if (code !== 1008) return code === 1004 ? undefined : code;
    await sleep(1000);
    return this.#exchange(appSecret, pairs);
  }

  #verdict(groupId: string, userId: string): Verdict | undefined {
    return this.#verdicts.get(`${groupId}\n${userId}`);
  }

  /** Sends what a message leaves behind. Says whether the message may go. */
  async #account(request: Request): Promise<boolean> {
    const { groupId, userIds, groupName, requestId, sentAt } = request;
    const by = Map.groupBy(userIds, (userId) => this.#verdict(groupId, userId));
    const undecided = by.get(undefined) ?? [];
    const name = groupName === undefined ? 'given' : this.#settledNames.get(request);
    const isNameDue = by.has('joined') && name === undefined && this.#flaw !== 'forgets names';
    if (undecided.length === userIds.length || (undecided.length === 0 && isNameDue)) return false;
    if (this.#flaw === 'keeps whole messages' && undecided.length > 0) return false;
    if (this.#flaw === 'never dead-letters' && by.has('UPSTREAM_REJECTED')) return false;
    const sends: Promise<boolean>[] = [];
    for (const code of ['UPSTREAM_REJECTED', 'GROUP_FULL'] as const) {
      const refused = by.get(code);
      if (refused)
        sends.push(
          this.#sendLetter(JSON.stringify({ groupId, userIds: refused, requestId }), code, requestId, refused.length),
        );
    }
    if (name === 'refused') {
      const body = JSON.stringify({ groupId, userIds: userIds.slice(0, 1), groupName, requestId });
      sends.push(this.#sendLetter(body, 'UPSTREAM_UNAVAILABLE', requestId, 0));
    }
    if (undecided.length > 0) {
      const isFirstRest = request.record.messageAttributes.firstSentAt === undefined;
      const rest = this.#flaw === 'sends rests of the same size' && isFirstRest ? userIds : undecided;
      const body = JSON.stringify({ groupId, userIds: rest, requestId, ...(name === undefined && { groupName }) });
      sends.push(
        this.#send(QUEUE_URL, body, { firstSentAt: String(sentAt) }, 5 + Math.floor(this.#means.random() * 56)),
      );
    }
    return (await Promise.all(sends)).every(Boolean) || this.#flaw === 'loses what is not taken';
  }

  async #sendLetter(body: string, code: string, requestId: string, failedCount: number): Promise<boolean> {
    if (code === 'INVALID_REQUEST' && this.#flaw === 'forgets invalid messages') return true;
    return this.#send(DEAD_LETTER_QUEUE_URL, body, {
      code,
      requestId,
      failedCount: String(failedCount + (this.#flaw === 'miscounts' ? 1 : 0)),
    });
  }

  async #send(url: string, body: string, texts: Record<string, string>, delay = 0): Promise<boolean> {
    const attributes = Object.entries(texts).map(
      ([name, text]) => [name, { DataType: 'String', StringValue: text }] as const,
    );
    const input = {
      QueueUrl: url,
      MessageBody: body,
      DelaySeconds: delay,
      MessageAttributes: Object.fromEntries(attributes),
    };
    const { sqs, timeout } = this.#means;
    return sqs.send(new SendMessageCommand(input), { abortSignal: timeout(4000) }).then(
      () => true,
      () => false,
    );
  }
}

function read(record: SQSRecord): Request | undefined {
  try {
    const { groupId, userIds, groupName, requestId = record.messageId } = JSON.parse(record.body);
    if (typeof groupId !== 'string' || !Array.isArray(userIds) || userIds.length === 0) return undefined;
    const sentAt = Number(record.messageAttributes.firstSentAt?.stringValue ?? record.attributes.SentTimestamp);
    return {
      record,
      groupId,
      userIds: [...new Set(userIds)],
      requestId,
      sentAt,
      ...(groupName !== undefined && { groupName }),
    };
  } catch {
    return undefined;
  }
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import names from '../../../lib/telemetry/metric-names.json' with { type: 'json' };
import { MEMBER, REFUSED, SERVICE } from '../../helpers/claims.ts';
import { linesOf, metricOf, OPEN, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

let bed: TelemetryBed;
beforeEach(async () => {
  bed = await startTelemetryBed();
});
afterEach(async () => {
  expect(await bed.close()).toEqual([]);
});

describe('a request', () => {
  it('that succeeds has one line and one set of metrics, with every field', async () => {
    const http = await bed.start('http');
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const answer = await http.invoke(await bed.httpEvent({ headers: { traceparent } }));
    expect(answer.result?.statusCode).toBe(200);
    const ms = expect.any(Number);
    expect(linesOf(answer)).toEqual([
      {
        level: 'INFO',
        message: 'joined',
        timestamp: expect.any(String),
        service: 'join-test',
        sampling_rate: 0,
        door: 'http',
        requestId: 'mine',
        lambdaRequestId: 'aws-1',
        upstreamRequestId: 'mine',
        traceparent,
        groupId: OPEN,
        users: 1,
        joined: 1,
        failed: 0,
        attempts: 1,
        domain: new URL(bed.primary.url).host,
        identityMs: ms,
        secretMs: ms,
        upstreamMs: ms,
        durationMs: ms,
        coldStart: true,
      },
    ]);
    expect(answer.logs.filter(({ level }) => level === 'DEBUG')).toMatchObject([{ message: 'attempt', ordinal: 1 }]);
    expect(bed.primary.calls[0]?.headers['x-request-id']).toBe('mine');
    expect(answer.metrics).toEqual([
      {
        _aws: {
          Timestamp: ms,
          CloudWatchMetrics: [
            {
              Namespace: 'JoinTest',
              Dimensions: [['service', 'door']],
              Metrics: expect.arrayContaining([
                { Name: names.joinedUsers, Unit: 'Count' },
                { Name: names.unserved, Unit: 'Count' },
                { Name: names.upstreamCalls, Unit: 'Count' },
                { Name: names.upstreamLatency, Unit: 'Milliseconds' },
                { Name: names.attempts, Unit: 'Count' },
                { Name: names.secretRefresh, Unit: 'Count' },
                { Name: names.keyRefresh, Unit: 'Count' },
              ]),
            },
          ],
        },
        service: 'join-test',
        door: 'http',
        [names.joinedUsers]: 1,
        [names.unserved]: 0,
        [names.upstreamCalls]: 1,
        [names.upstreamLatency]: ms,
        [names.attempts]: 1,
        [names.secretRefresh]: 1,
        [names.keyRefresh]: 1,
      },
    ]);
    const warm = await http.invoke(await bed.httpEvent());
    expect(linesOf(warm)[0]).toMatchObject({ coldStart: false });
    expect(linesOf(warm)[0]).not.toHaveProperty('traceparent');
    expect(warm.metrics).toHaveLength(1);
    expect(warm.metrics[0]).not.toHaveProperty(names.secretRefresh);
    expect(
      linesOf(await http.invoke(await bed.httpEvent({ headers: { traceparent: 'planted' } })))[0],
    ).not.toHaveProperty('traceparent');
  });

  it('counts switches of the domain and an empty retry budget', async () => {
    const http = await bed.start('http');
    bed.primary.fault.set({ kind: 'close' });
    const switched = await http.invoke(await bed.httpEvent());
    expect(switched.result?.statusCode).toBe(200);
    expect(metricOf(switched, names.domainSwitch)).toMatchObject({ value: 1, door: 'http' });
    expect(metricOf(switched, names.attempts)).toMatchObject({ value: [1, 2] });
    expect(linesOf(switched)).toMatchObject([{ attempts: 2, domain: new URL(bed.backup.url).host }]);
    bed.misbehave({ kind: 'status', status: 500 });
    const exhausted = await http.invoke(await bed.httpEvent());
    expect(metricOf(exhausted, names.retryBudgetExhausted)).toMatchObject({ value: 1, door: 'http' });
  });

  it('counts whether the door could do its work, and nothing of that where the caller is at fault', async () => {
    const http = await bed.start('http');
    const asked = async (parts?: Parameters<TelemetryBed['httpEvent']>[0]) => {
      const answer = await http.invoke(await bed.httpEvent(parts));
      return [names.unserved, names.failedRequests].map((name) => metricOf(answer, name)?.value);
    };
    expect(await asked()).toEqual([0, undefined]);
    expect(await asked(REFUSED)).toEqual([undefined, 1]);
    bed.misbehave({ kind: 'status', status: 405, body: '{"code":405}' });
    expect(await asked()).toEqual([0, 1]);
    bed.misbehave({ kind: 'status', status: 500 });
    expect(await asked()).toEqual([1, 1]);
    // The queue has taken it.
    expect(await asked({ headers: { prefer: 'respond-async, wait=1' } })).toEqual([0, undefined]);
  });

  it('counts users by the code that each of them failed with', async () => {
    const members = Array.from({ length: 2998 }, (_, i) => `m${i}`);
    bed.app.groups.join('g', members, { capacity: 3000, countsMembers: false });
    bed.app.unknownUsers.add('planted-ghost');
    const invoke = await bed.start('invoke');
    const answer = await invoke.invoke({ groupId: 'g', userIds: ['planted-ghost', 'a', 'b', 'c'] });
    const byCode = answer.metrics.filter(({ code }) => code !== undefined);
    expect(byCode.map((one) => [one.code, one[names.failures], one[names.failedUsers]])).toEqual([
      ['UPSTREAM_REJECTED', 1, 1],
      ['GROUP_FULL', 1, 1],
    ]);
    expect(linesOf(answer)).toMatchObject([{ failed: 2, failedByCode: { UPSTREAM_REJECTED: 1, GROUP_FULL: 1 } }]);
  });

  it('says which client asked, if that is a service', async () => {
    const http = await bed.start('http');
    const client_id = 'backend-7';
    const from = (claims: object, body = '{"userIds":["planted-user"]}') => bed.httpEvent({ claims, body });
    const joined = await http.invoke(await from({ ...SERVICE, client_id }));
    expect(linesOf(joined)).toMatchObject([{ message: 'joined', client: client_id }]);
    const refused = await http.invoke(await from({ ...SERVICE, client_id }, '{}'));
    expect(linesOf(refused)).toMatchObject([{ code: 'INVALID_REQUEST', client: client_id }]);
    const [user] = linesOf(await http.invoke(await from({ ...MEMBER, sub: 'planted-user', client_id })));
    expect(user).toMatchObject({ message: 'joined' });
    expect(user).not.toHaveProperty('client');
  });

  it('says what an asynchronous request and the Invoke door did', async () => {
    const http = await bed.start('http');
    const queued = await http.invoke(await bed.httpEvent({ headers: { prefer: 'respond-async' } }));
    expect(queued.result?.statusCode).toBe(202);
    expect(linesOf(queued)).toMatchObject([{ message: 'queued', queued: 1, users: 1 }]);
    expect(metricOf(queued, names.queuedUsers)).toMatchObject({ value: 1, door: 'http' });
    const invoke = await bed.start('invoke');
    const joined = await invoke.invoke({ groupId: 'g', userIds: ['planted-user', 'b'] });
    expect(linesOf(joined)).toMatchObject([{ message: 'joined', door: 'invoke', users: 2, joined: 2 }]);
    expect(metricOf(joined, names.joinedUsers)).toMatchObject({ value: 2, door: 'invoke' });
    bed.app.unknownUsers.add('planted-user');
    const failed = await invoke.invoke({ groupId: 'g', userIds: ['planted-user'] });
    expect(failed.error).toMatchObject({ name: 'UPSTREAM_REJECTED', stack: '' });
    expect(linesOf(failed)).toMatchObject([{ level: 'WARN', door: 'invoke', code: 'UPSTREAM_REJECTED', failed: 1 }]);
  });
});

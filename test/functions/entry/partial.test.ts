import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SERVICE } from '../../helpers/claims.ts';
import { OPEN, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

let bed: TelemetryBed;
beforeEach(async () => {
  bed = await startTelemetryBed();
});
afterEach(async () => {
  expect(await bed.close()).toEqual([]);
});

describe('a built door that is asked for 50 users, one of them refused', () => {
  const userIds = Array.from({ length: 50 }, (_, i) => (i === 36 ? 'planted-ghost' : `u${i}`));
  const others = userIds.filter((userId) => userId !== 'planted-ghost');
  const refused = { code: 'UPSTREAM_REJECTED', outcome: 'rejected', retryable: false };

  it('joins the others over HTTP, and names the one', async () => {
    bed.app.unknownUsers.add('planted-ghost');
    const http = await bed.start('http');
    const { result } = await http.invoke(await bed.httpEvent({ claims: SERVICE, body: JSON.stringify({ userIds }) }));
    expect([result?.statusCode, JSON.parse(result?.body ?? '')]).toEqual([
      207,
      {
        groupId: OPEN,
        joined: others,
        requestId: 'mine',
        failed: [{ userIds: ['planted-ghost'], ...refused, upstreamCode: 400 }],
      },
    ]);
    expect(bed.app.groups.members(OPEN).toSorted()).toEqual(others.toSorted());
    expect(bed.primary.calls.length).toBeLessThanOrEqual(13);
  });

  it('joins the others by Invoke, and says where the one stands', async () => {
    bed.app.unknownUsers.add('planted-ghost');
    const invoke = await bed.start('invoke');
    const { error } = await invoke.invoke({ groupId: 'g', userIds }, 30_000);
    expect(error?.name).toBe('UPSTREAM_REJECTED');
    expect(JSON.parse(error?.message ?? '')).toMatchObject({
      joined: 49,
      failed: [{ offset: 36, count: 1, ...refused }],
    });
    expect(bed.app.groups.members('g').toSorted()).toEqual(others.toSorted());
    expect(bed.primary.calls.length).toBeLessThanOrEqual(13);
  });
});

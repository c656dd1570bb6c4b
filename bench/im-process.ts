import { ImApp } from '../sandbox/rongcloud/app.ts';
import { startImService } from '../sandbox/rongcloud/service.ts';

/** What the stand-in counted since it was last asked. */
export interface ImCounts {
  calls: number;
  users: number;
  refused: number;
}

/** The stand-in's credentials. */
export const APP = { appKey: 'bench-key', appSecret: 'bench-secret' };

// In a process of its own, so that it costs what is measured nothing. Groups are large, as RongCloud's console allows.
if (import.meta.main) {
  const im = await startImService(new ImApp({ ...APP, groupCapacity: Number.POSITIVE_INFINITY, freshness: false }));
  process.on('message', () => {
    const calls = im.calls.splice(0);
    const joined = calls.filter(({ code }) => code === 200);
    const users = joined.reduce((sum, { userIds }) => sum + userIds.length, 0);
    const counts: ImCounts = { calls: calls.length, users, refused: calls.length - joined.length };
    process.send?.(counts);
  });
  process.on('disconnect', () => process.exit());
  process.send?.(im.url);
}

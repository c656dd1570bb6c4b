import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FOREIGN_EVENTS } from '../../helpers/foreign-events.ts';
import { linesOf, startTelemetryBed, type TelemetryBed } from '../../helpers/telemetry-bed.ts';

let bed: TelemetryBed;
beforeEach(async () => {
  bed = await startTelemetryBed();
});
afterEach(async () => {
  expect(await bed.close()).toEqual([]);
});

describe('the built HTTP door', () => {
  it('answers 400 to events of other sources, and logs no bug', async () => {
    const http = await bed.start('http');
    for (const [name, event] of FOREIGN_EVENTS) {
      const answer = await http.invoke(event);
      const { code, detail } = JSON.parse(answer.result?.body ?? '');
      expect([name, answer.result?.statusCode, code]).toEqual([name, 400, 'INVALID_REQUEST']);
      expect(detail).toContain('HTTP API');
      expect(linesOf(answer)).toMatchObject([{ level: 'WARN', code: 'INVALID_REQUEST' }]);
    }
  });
});

describe('the built Invoke door', () => {
  it('throws INVALID_REQUEST for events of other sources', async () => {
    const invoke = await bed.start('invoke');
    for (const [name, event] of FOREIGN_EVENTS) {
      expect([name, (await invoke.invoke(event)).error?.name]).toEqual([name, 'INVALID_REQUEST']);
    }
  });
});

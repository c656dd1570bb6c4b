import type { Telemetry } from '../../lib/telemetry/telemetry.ts';

/** Telemetry that tells nobody. */
export const silent: Telemetry = {
  observe: () => {},
  attempt: () => {},
  request: () => {},
  call: () => {},
  deadLetter: () => {},
  lostEvents: () => {},
  batch: () => {},
};

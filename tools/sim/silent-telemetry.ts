import type { Telemetry } from '../../lib/telemetry/telemetry.ts';

/** Telemetry that tells nobody. */
export const silent: Telemetry = {
  observe: () => {},
  sending: () => {},
  request: () => {},
  call: () => {},
  deadLetter: () => {},
  lostEvents: () => {},
  batch: () => {},
};

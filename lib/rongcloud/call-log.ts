import type { JoinError } from '../errors.ts';

/** One request on the wire, and how it ended. */
export interface Sending {
  /** 1 for the first of a call. */
  ordinal: number;
  /** The host that was called, with its port if that is not the usual one. */
  host: string;
  durationMs: number;
  /** Undefined if everyone in it joined. */
  error: JoinError | undefined;
}

/** Where a call writes down what happens. */
export interface CallLog {
  /** A sending has ended. */
  sent(sending: Sending): void;
  /** A sending waited this long for the app's credentials. */
  waitedForSecret(ms: number): void;
}

import type { CryptoKey, JWTHeaderParameters } from 'jose';
import type { Clock, Moment } from '../clock.ts';
import { JoinError } from '../errors.ts';
import { KeySet } from './key-set.ts';

const FRESH_MS = 10 * 60_000;
const LAST_GOOD_MS = 24 * 60 * 60_000;
/** Between fetches while keys are held: for tokens of other keys, and after a refresh that failed. */
const REFETCH_MS = 5000;
/** Between fetches while no keys are held. */
const COLD_REFETCH_MS = 1000;

/** Fetches the text of a JSON Web Key Set, or throws. */
export type KeySetFetcher = () => Promise<string>;

/** What happens to the keys behind the requests. */
export type KeyEvent = 'keyRefresh' | 'staleKeys';

interface HeldKeys {
  set: KeySet;
  fetchedAt: Moment;
}

export interface IssuerKeys {
  /**
   * The keys that a token's header may mean, none if there are none. Throws IDENTITY_UNAVAILABLE if the issuer is out of
   * reach and no keys are held.
   */
  find(header: JWTHeaderParameters): Promise<readonly CryptoKey[]>;
  /** The same, asking the issuer for newer keys, if it was not asked in the last 5 seconds. */
  findNewer(header: JWTHeaderParameters): Promise<readonly CryptoKey[]>;
  /** Fetches the keys if none are held. */
  warmUp(): Promise<void>;
}

/**
 * The issuer's keys: fresh for 10 minutes, so a removed key stops working within that, even if none is left; the last
 * ones serve for 24 hours while the issuer gives no key set. Tokens that no held key fits or verifies cause at most one
 * fetch in 5 seconds together, so junk neither floods the issuer nor keeps a new key out for longer.
 */
export function createIssuerKeys(
  fetchKeySet: KeySetFetcher,
  clock: Clock,
  observe?: (event: KeyEvent) => void,
): IssuerKeys {
  let held: HeldKeys | undefined;
  let startedAt: Moment | undefined;
  let lastFailure: unknown;
  let inFlight: Promise<void> | undefined;

  async function fetchOnce(): Promise<void> {
    try {
      const fetchedAt = clock.now();
      held = { set: new KeySet(await fetchKeySet()), fetchedAt };
      observe?.('keyRefresh');
    } catch (error) {
      lastFailure = error;
    } finally {
      inFlight = undefined;
    }
  }

  /** Joins the fetch in flight, or starts one if the last started long enough ago. */
  async function refetch(minIntervalMs: number): Promise<void> {
    if (!inFlight) {
      if (clock.isWithin(minIntervalMs, startedAt)) return;
      startedAt = clock.now();
      inFlight = fetchOnce();
    }
    await inFlight;
  }

  function usable(): HeldKeys | undefined {
    return held && clock.since(held.fetchedAt) < LAST_GOOD_MS ? held : undefined;
  }

  async function keySetFor(keyId: string | undefined): Promise<KeySet> {
    const keys = usable();
    if (!keys) await refetch(COLD_REFETCH_MS);
    else {
      const isFresh = clock.isWithin(FRESH_MS, keys.fetchedAt);
      const { ids, isEmpty } = keys.set;
      if (!isFresh || isEmpty || (keyId !== undefined && !ids.has(keyId))) await refetch(REFETCH_MS);
    }
    const found = usable();
    if (!found) throw new JoinError('IDENTITY_UNAVAILABLE', { cause: lastFailure });
    if (clock.since(found.fetchedAt) >= FRESH_MS) observe?.('staleKeys');
    return found.set;
  }

  return {
    async find(header) {
      return (await keySetFor(header.kid)).fitting(header);
    },
    async findNewer(header) {
      await refetch(REFETCH_MS);
      return usable()?.set.fitting(header) ?? [];
    },
    async warmUp() {
      if (!usable()) await refetch(COLD_REFETCH_MS);
    },
  };
}

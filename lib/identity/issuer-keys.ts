import {
  createLocalJWKSet,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWK,
  type JWTHeaderParameters,
} from 'jose';
import type { Clock, Moment } from '../clock.ts';
import { JoinError } from '../errors.ts';

const FRESH_MS = 10 * 60_000;
const LAST_GOOD_MS = 24 * 60 * 60_000;
/** Between fetches while keys are held: for key ids they lack, and after a refresh that failed. */
const REFETCH_MS = 5000;
/** Between fetches while no keys are held. */
const COLD_REFETCH_MS = 1000;

/** Fetches the text of a JSON Web Key Set, or throws. */
export type KeySetFetcher = () => Promise<string>;

/** What happens to the keys behind the requests. */
export type KeyEvent = 'keyRefresh' | 'staleKeys';

type KeyGetter = ReturnType<typeof createLocalJWKSet>;

interface KeySet {
  find: KeyGetter;
  ids: ReadonlySet<string>;
  empty: boolean;
  fetchedAt: Moment;
}

export interface IssuerKeys {
  /**
   * The key that a token's header names; jose's own errors when there is none, IDENTITY_UNAVAILABLE when the
   * issuer is out of reach and no keys are held.
   */
  find(header: JWTHeaderParameters, token?: FlattenedJWSInput): ReturnType<KeyGetter>;
  /** Fetches the keys if none are held. */
  warmUp(): Promise<void>;
}

/**
 * The issuer's keys: fresh for 10 minutes, so a removed key stops working within that, even if none is left; the last
 * ones serve for 24 hours while the issuer gives no key set. A key id that is not held causes at most one fetch in 5
 * seconds, so junk ids neither flood the issuer nor keep a new key out for longer.
 */
export function createIssuerKeys(
  fetchKeySet: KeySetFetcher,
  clock: Clock,
  observe?: (event: KeyEvent) => void,
): IssuerKeys {
  let held: KeySet | undefined;
  let startedAt: Moment | undefined;
  let lastFailure: unknown;
  let inFlight: Promise<void> | undefined;

  async function fetchOnce(): Promise<void> {
    try {
      const fetchedAt = clock.now();
      held = { ...parseKeySet(await fetchKeySet()), fetchedAt };
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

  function usable(): KeySet | undefined {
    return held && clock.since(held.fetchedAt) < LAST_GOOD_MS ? held : undefined;
  }

  async function keySetFor(keyId: string | undefined): Promise<KeySet> {
    const keys = usable();
    if (!keys) await refetch(COLD_REFETCH_MS);
    else {
      const isFresh = clock.isWithin(FRESH_MS, keys.fetchedAt);
      if (!isFresh || keys.empty || (keyId !== undefined && !keys.ids.has(keyId))) await refetch(REFETCH_MS);
    }
    const found = usable();
    if (!found) throw new JoinError('IDENTITY_UNAVAILABLE', { cause: lastFailure });
    if (clock.since(found.fetchedAt) >= FRESH_MS) observe?.('staleKeys');
    return found;
  }

  return {
    async find(header, token) {
      return (await keySetFor(header.kid)).find(header, token);
    },
    async warmUp() {
      if (!usable()) await refetch(COLD_REFETCH_MS);
    },
  };
}

const SIGNING_KEY_TYPES = new Set(['RSA', 'EC', 'OKP']);

/** A set without usable keys is an answer too: the issuer took them all away. */
function parseKeySet(text: string): Omit<KeySet, 'fetchedAt'> {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null || !('keys' in value) || !Array.isArray(value.keys)) {
    throw new Error('the answer is not a key set');
  }
  const keys = value.keys.filter(isSigningKey);
  const ids = new Set<string>();
  for (const { kid } of keys) {
    if (kid === undefined) continue;
    // Which of the two is meant can't be known, so the set is taken for none at all.
    if (ids.has(kid)) throw new Error('the key set holds two keys with one id');
    ids.add(kid);
  }
  const keySet: JSONWebKeySet = { keys };
  return { find: createLocalJWKSet(keySet), ids, empty: keys.length === 0 };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.startsWith('\uFEFF') ? text.slice(1) : text);
  } catch {
    // The parser's message quotes the text.
    throw new Error('the answer is not JSON');
  }
}

function isSigningKey(key: unknown): key is JWK {
  if (typeof key !== 'object' || key === null || !('kty' in key) || typeof key.kty !== 'string') return false;
  if ('kid' in key && typeof key.kid !== 'string') return false;
  const forSigning = !('use' in key) || key.use === 'sig';
  return forSigning && SIGNING_KEY_TYPES.has(key.kty);
}

/** What happens behind a request without being its outcome; each is counted. */
export type ServiceEvent = 'secretRefresh' | 'staleSecret' | 'keyRefresh' | 'staleKeys';

/** Told when one happens. */
export type Observe = (event: ServiceEvent) => void;

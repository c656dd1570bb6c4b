/** The variables that configuration is read from. An empty one is an unset one. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Names every variable that is missing or wrong, and none of their values. */
export class ConfigError extends Error {
  /** Each begins with the name of its variable. */
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(`The configuration is not usable: ${problems.join('; ')}.`);
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/** Reads variables and collects what is wrong with them. */
export class EnvironmentReader {
  readonly #env: Environment;
  readonly #problems: string[] = [];

  constructor(env: Environment) {
    this.#env = env;
  }

  optional(name: string): string | undefined {
    return this.#env[name]?.trim() || undefined;
  }

  /** Whether a variable holds anything, were it only blanks. */
  isSet(name: string): boolean {
    return Boolean(this.#env[name]);
  }

  required(name: string): string {
    const value = this.optional(name);
    if (value === undefined) this.problem(`${name} is missing`);
    return value ?? '';
  }

  /** An https URL, if the variable is set. */
  url(name: string): string | undefined {
    const url = this.optional(name);
    if (url && !safeUrl(url)) this.problem(`${name} must be an https URL`);
    return url;
  }

  requiredUrl(name: string): string {
    return this.url(name) ?? this.required(name);
  }

  list(name: string): string[] {
    const parts = this.optional(name)?.split(',') ?? [];
    return parts.map((part) => part.trim()).filter((part) => part !== '');
  }

  problem(text: string): void {
    this.#problems.push(text);
  }

  complete<T>(config: T): T {
    if (this.#problems.length > 0) throw new ConfigError(this.#problems);
    return config;
  }
}

/** An https URL without a user; plain http is for loopback hosts only. */
export function safeUrl(text: string): URL | undefined {
  const url = URL.parse(text);
  if (!url || url.username !== '' || url.password !== '') return undefined;
  const loopback = /^(localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname);
  return url.protocol === 'https:' || (url.protocol === 'http:' && loopback) ? url : undefined;
}

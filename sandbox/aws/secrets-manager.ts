import { randomUUID } from 'node:crypto';
import type { AwsResult } from './operation.ts';

/** Secrets by name, each the text of its current version. */
export type Secrets = Map<string, string>;

type Input = Record<string, unknown>;

interface Version {
  id: string;
  text: string;
  createdAt: number;
}

/** By place: the newest version is the current one, and those without a label are gone. */
const STAGES = ['AWSCURRENT', 'AWSPREVIOUS'];

/**
 * Stands in for what people and functions do with a secret: read it, put another value into it, look at its versions.
 * Who changes the map by hand makes a version too.
 */
export class SecretsManager {
  readonly #secrets: Secrets;
  readonly #versions = new Map<string, Version[]>();

  constructor(secrets: Secrets) {
    this.#secrets = secrets;
  }

  readonly getSecretValue = ({ SecretId: id, VersionStage: stage, VersionId: versionId }: Input): AwsResult => {
    const name = nameOf(id);
    const versions = this.#versionsOf(name);
    if (!versions) return NOT_FOUND;
    const wanted = stage ?? (versionId === undefined ? 'AWSCURRENT' : undefined);
    const found = versions.find(
      (one, i) => (wanted === undefined || STAGES[i] === wanted) && (versionId === undefined || one.id === versionId),
    );
    if (!found) return { error: NOT_FOUND.error, message: "Secrets Manager can't find the specified secret value." };
    return { output: { ...identity(name), ...describe(found, versions.indexOf(found)), SecretString: found.text } };
  };

  readonly putSecretValue = (input: Input): AwsResult => {
    const { SecretId: id, SecretString: text, ClientRequestToken: token, VersionStages: stages } = input;
    const name = nameOf(id);
    const versions = this.#versionsOf(name);
    if (!versions) return NOT_FOUND;
    if (typeof text !== 'string' || text === '') return invalid('SecretString must be a text.');
    if (stages !== undefined && String(stages) !== 'AWSCURRENT')
      return invalid('This stand-in moves AWSCURRENT alone.');
    const versionId = typeof token === 'string' ? token : randomUUID();
    const known = versions.find((one) => one.id === versionId);
    if (known && known.text !== text) {
      return { error: 'ResourceExistsException', message: 'This version has another value.' };
    }
    if (!known) this.#add(name, { id: versionId, text, createdAt: Date.now() });
    return { output: { ...identity(name), VersionId: versionId, VersionStages: ['AWSCURRENT'] } };
  };

  readonly describeSecret = ({ SecretId: id }: Input): AwsResult => {
    const name = nameOf(id);
    const versions = this.#versionsOf(name);
    if (!versions) return NOT_FOUND;
    const VersionIdsToStages = Object.fromEntries(versions.map((one, i) => [one.id, [STAGES[i]]]));
    return { output: { ...identity(name), LastChangedDate: seconds(versions[0]), VersionIdsToStages } };
  };

  readonly listSecretVersionIds = ({ SecretId: id }: Input): AwsResult => {
    const name = nameOf(id);
    const versions = this.#versionsOf(name);
    return versions ? { output: { ...identity(name), Versions: versions.map(describe) } } : NOT_FOUND;
  };

  /** The versions of a secret, newest first; undefined if there is no such secret. */
  #versionsOf(name: string): readonly Version[] | undefined {
    const text = this.#secrets.get(name);
    if (text === undefined) return undefined;
    if (this.#versions.get(name)?.[0]?.text !== text)
      this.#add(name, { id: randomUUID(), text, createdAt: Date.now() });
    return this.#versions.get(name);
  }

  #add(name: string, version: Version): void {
    this.#versions.set(name, [version, ...(this.#versions.get(name) ?? [])].slice(0, STAGES.length));
    this.#secrets.set(name, version.text);
  }
}

/** GetSecretValue alone. */
export function getSecretValue(secrets: Secrets): (input: Input) => AwsResult {
  return new SecretsManager(secrets).getSecretValue;
}

const NOT_FOUND = { error: 'ResourceNotFoundException', message: "Secrets Manager can't find the specified secret." };

function invalid(message: string): AwsResult {
  return { error: 'InvalidParameterException', message };
}

/** The name of a secret that is named, or given by its ARN. */
function nameOf(id: unknown): string {
  return /^arn:[^:]+:secretsmanager:[^:]*:\d+:secret:(.+)-AbCdEf$/.exec(String(id))?.[1] ?? String(id);
}

function identity(name: string) {
  return { ARN: `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-AbCdEf`, Name: name };
}

function describe(version: Version, place: number) {
  return { VersionId: version.id, VersionStages: [STAGES[place]], CreatedDate: seconds(version) };
}

function seconds(version: Version | undefined): number {
  return (version?.createdAt ?? 0) / 1000;
}

import { randomUUID } from 'node:crypto';
import type { AwsResult } from './operation.ts';

/** An event as a bus hands it to rules. */
export interface BusEvent {
  version: '0';
  id: string;
  'detail-type': string;
  source: string;
  account: string;
  time: string;
  region: string;
  resources: string[];
  detail: object;
}

const MAX_ENTRIES = 10;
/** 1 MB, for a request and so for each event in it. */
const MAX_BYTES = 1024 * 1024;
/** What is nested much deeper can be read, but not written again to be looked at. */
const MAX_DEPTH = 100;
/** How many events are kept to be looked at. */
const MAX_KEPT = 1000;

/** Stands in for EventBridge's PutEvents on one bus: keeps the last events, and has no rules. */
export class EventBus {
  readonly name: string;
  readonly events: BusEvent[] = [];

  constructor(name: string) {
    this.name = name;
  }

  readonly putEvents = ({ Entries: entries }: Record<string, unknown>): AwsResult => {
    if (!Array.isArray(entries) || entries.length === 0 || entries.length > MAX_ENTRIES) {
      return { error: 'ValidationException', message: `1 to ${MAX_ENTRIES} entries.` };
    }
    if (entries.reduce((sum, entry) => sum + sizeOf(entry), 0) > MAX_BYTES) {
      return { error: 'ValidationException', message: 'Total size of the entries in the request is over the limit.' };
    }
    const answers = entries.map((entry) => this.#put(entry));
    const failed = answers.filter((answer) => 'ErrorCode' in answer);
    return { output: { FailedEntryCount: failed.length, Entries: answers } };
  };

  #put(entry: unknown): { EventId: string } | { ErrorCode: string; ErrorMessage: string } {
    const { EventBusName: bus, Source: source, DetailType: type, Detail: text } = members(entry);
    if (bus !== this.name) return { ErrorCode: 'ResourceNotFoundException', ErrorMessage: 'There is no such bus.' };
    if (typeof source !== 'string' || source === '' || source.startsWith('aws.')) {
      return { ErrorCode: 'InvalidArgument', ErrorMessage: 'Parameter Source is not valid.' };
    }
    if (typeof type !== 'string' || type === '') {
      return { ErrorCode: 'InvalidArgument', ErrorMessage: 'Parameter DetailType is not valid.' };
    }
    const detail = parseObject(text);
    if (!detail || isDeeper(detail, MAX_DEPTH))
      return { ErrorCode: 'MalformedDetail', ErrorMessage: 'Detail is malformed.' };
    const id = randomUUID();
    const place = { account: '000000000000', region: 'us-east-1', resources: [], time: new Date().toISOString() };
    this.events.push({ version: '0', id, 'detail-type': type, source, ...place, detail });
    if (this.events.length > MAX_KEPT) this.events.shift();
    return { EventId: id };
  }
}

function sizeOf(entry: unknown): number {
  const { Source: source, DetailType: type, Detail: detail } = members(entry);
  return Buffer.byteLength(`${source}${type}${detail}`);
}

function members(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function parseObject(text: unknown): object | undefined {
  try {
    const value: unknown = JSON.parse(String(text));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isDeeper(value: unknown, max: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return max === 0 || Object.values(value).some((part) => isDeeper(part, max - 1));
}

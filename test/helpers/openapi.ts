import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

export type Schema = Readonly<Record<string, unknown>>;
interface Content {
  schema: Schema;
  examples?: Record<string, { value: unknown }>;
}
interface Response {
  headers?: Record<string, { $ref: string }>;
  content: Record<string, Content>;
}
interface Operation {
  responses: Record<string, { $ref: string }>;
  requestBody: { content: Record<string, Content> };
}

const TEXT = readFileSync(new URL('../../docs/openapi.yaml', import.meta.url), 'utf8');
/** docs/openapi.yaml. */
export const openapi: {
  info: { version: string };
  paths: Record<string, { post: Operation }>;
  components: { schemas: Record<string, Schema>; responses: Record<string, Response> };
} = parse(TEXT);
export const ROUTE = '/groups/{groupId}/members';

/** What a reference within the document points at. */
export function at<Target = Schema>(reference: string): Target {
  return reference
    .replace('#/', '')
    .split('/')
    .reduce<unknown>((node, key) => (node as Schema)[key], openapi) as Target;
}

export const operation = (): Operation => {
  const post = openapi.paths[ROUTE]?.post;
  if (!post) throw new Error(`no ${ROUTE}`);
  return post;
};

/** The answers that are described, by status. */
export const responses = (): [status: string, Response][] =>
  Object.entries(operation().responses).map(([status, { $ref }]) => [status, at<Response>($ref)]);

const ajv = addFormats.default(new Ajv2020({ allErrors: true, strict: true, strictTypes: false }));
const compiled = new Map<string, ValidateFunction>();

/** What is wrong with a value that should fit a schema. `key` names the schema. */
function faultsOf(key: string, schema: () => Schema, value: unknown): string[] {
  const validate = compiled.get(key) ?? ajv.compile(schema());
  compiled.set(key, validate);
  if (validate(value)) return [];
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

/** Whether a value fits one of the document's schemas. */
export const fits = (name: string, value: unknown): boolean =>
  faultsOf(name, () => inlined({ $ref: `#/components/schemas/${name}` }), value).length === 0;

/**
 * What is wrong with something that the service says. It may have no fields but those that are described, although readers
 * must expect more.
 */
export const faultsOfSaid = (name: string, value: unknown): string[] =>
  faultsOf(`closed ${name}`, () => inlined({ $ref: `#/components/schemas/${name}` }, 'closed'), value);

/** An answer of the HTTP door, as the function or the network gives it. */
export interface GivenAnswer {
  status: number | undefined;
  headers: Iterable<readonly [string, unknown]>;
  body: string | undefined;
}

/** Headers that HTTP or API Gateway adds. */
const NOT_OURS = /^(date|connection|keep-alive|content-(length|encoding)|transfer-encoding|vary|access-control-.+)$/;

/** Fails unless an answer of the HTTP door is one that docs/openapi.yaml describes: status, headers and body. */
export function expectDescribed({ status, headers, body = '' }: GivenAnswer): void {
  const given = new Map([...headers].map(([name, value]) => [name.toLowerCase(), String(value)]));
  const faults = answerFaults(String(status), given, body);
  if (faults.length === 0) return;
  throw new Error(`docs/openapi.yaml does not describe this ${status}:\n${faults.join('\n')}\n${body.slice(0, 2000)}`);
}

function answerFaults(status: string, given: Map<string, string>, body: string): string[] {
  const reference = operation().responses[status]?.$ref;
  if (reference === undefined) return ['No such status.'];
  const { headers = {}, content } = at<Response>(reference);
  // serverless-offline adds the charset that JSON always has.
  const type = given.get('content-type')?.replace('; charset=utf-8', '') ?? '';
  const { schema } = content[type] ?? {};
  if (!schema) return [`No such type: ${type}`];
  const value: unknown = JSON.parse(body);
  const faults = faultsOf(`${status} ${type}`, () => inlined(schema, 'closed'), value);
  // What API Gateway itself answers has no header of the service.
  if (schema.$ref === '#/components/schemas/GatewayMessage') return faults;
  for (const [name, { $ref }] of Object.entries(headers)) {
    const text = given.get(name.toLowerCase());
    const { schema: headerSchema } = at<{ schema: Schema }>($ref);
    const read = headerSchema.type === 'integer' ? Number(text) : text;
    faults.push(...faultsOf(name, () => inlined(headerSchema), read).map((fault) => `${name}: ${text} ${fault}`));
  }
  const described = ['content-type', ...Object.keys(headers).map((name) => name.toLowerCase())];
  const others = [...given.keys()].filter((name) => !described.includes(name) && !NOT_OURS.test(name));
  faults.push(...others.map((name) => `${name}: not described`));
  if (given.get('x-request-id') !== (value as Schema).requestId) faults.push('X-Request-ID is not the requestId.');
  return faults;
}

/** A schema without references. A closed one lets objects have the described properties alone. */
function inlined(schema: Schema, how: 'open' | 'closed' = 'open'): Schema {
  const { $ref, ...own } = schema;
  const target = typeof $ref === 'string' ? inlined(at($ref), 'open') : {};
  const entries = Object.entries({ ...target, ...own }).map(([key, value]) => [key, inlinedKeyword(key, value, how)]);
  const closes = how === 'closed' && entries.some(([key]) => key === 'properties' || key === 'allOf');
  return { ...Object.fromEntries(entries), ...(closes && { unevaluatedProperties: false }) };
}

function inlinedKeyword(key: string, value: unknown, how: 'open' | 'closed'): unknown {
  // The parts of one object are closed together.
  if (key === 'allOf') return (value as Schema[]).map((part) => inlinedPart(part, how));
  if (key === 'items') return inlined(value as Schema, how);
  if (key !== 'properties') return value;
  return Object.fromEntries(Object.entries(value as Schema).map(([name, one]) => [name, inlined(one as Schema, how)]));
}

/** A part of an object: its properties are closed, and it is not. */
function inlinedPart(part: Schema, how: 'open' | 'closed'): Schema {
  const { unevaluatedProperties: _, ...rest } = inlined(part, how);
  return rest;
}

/** One of the document's schemas as a JSON Schema that stands alone. */
export function standaloneSchema(name: string): object {
  const names = new Set<string>();
  const moved = (schema: Schema): Schema =>
    JSON.parse(JSON.stringify(schema), (key, value) => {
      if (key !== '$ref') return value;
      const target = value.replace('#/components/schemas/', '');
      names.add(target);
      return `#/$defs/${target}`;
    });
  const root = moved(at(`#/components/schemas/${name}`));
  const $defs: Record<string, Schema> = {};
  // The set grows while it is read.
  for (const target of names) $defs[target] = moved(at(`#/components/schemas/${target}`));
  return { $schema: 'https://json-schema.org/draft/2020-12/schema', title: name, ...root, $defs };
}

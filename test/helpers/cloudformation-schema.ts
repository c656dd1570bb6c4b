import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';

type Database = ReturnType<typeof loadAwsServiceSpecSync>;
type PropertyMap = Record<string, { type: SpecType; required?: boolean }>;
type SpecType =
  | { type: 'ref'; reference: { $ref: string } }
  | { type: 'array' | 'map'; element: SpecType }
  | { type: 'union'; types: SpecType[] }
  | { type: 'string' | 'number' | 'integer' | 'boolean' | 'json' | 'tag' | 'date-time' | 'null' };

export interface TemplateResource {
  Type: string;
  DeletionPolicy?: string;
  Properties?: Record<string, unknown>;
}

let database: Database | undefined;

/** What AWS's own resource schemas find wrong with a template: unknown types and properties, missing required ones. */
export function schemaFaults(resources: Record<string, TemplateResource>): string[] {
  database ??= loadAwsServiceSpecSync();
  const db = database;
  return Object.entries(resources).flatMap(([name, { Type, Properties = {} }]) => {
    const [resource] = db.lookup('resource', 'cloudFormationType', 'equals', Type);
    if (!resource) return [`${name}: unknown type ${Type}`];
    return propertyFaults(db, Properties, resource.properties as unknown as PropertyMap, name);
  });
}

function propertyFaults(db: Database, value: object, properties: PropertyMap, path: string): string[] {
  const given = new Map(Object.entries(value));
  const unknown = [...given.keys()].filter((key) => !properties[key]).map((key) => `${path}: unknown property ${key}`);
  const missing = Object.entries(properties)
    .filter(([key, { required }]) => required && !given.has(key))
    .map(([key]) => `${path}: missing property ${key}`);
  const nested = [...given].flatMap(([key, one]) => {
    const property = properties[key];
    return property ? valueFaults(db, one, property.type, `${path}.${key}`) : [];
  });
  return [...unknown, ...missing, ...nested];
}

function valueFaults(db: Database, value: unknown, type: SpecType, path: string): string[] {
  const branches = branchesOf(value);
  if (branches) return branches.flatMap((branch) => valueFaults(db, branch, type, path));
  if (isIntrinsic(value)) return [];
  switch (type.type) {
    case 'ref': {
      if (typeof value !== 'object' || value === null) return [`${path}: is no object`];
      const definition = db.get('typeDefinition', type.reference.$ref);
      return propertyFaults(db, value, definition.properties as unknown as PropertyMap, path);
    }
    case 'array':
      if (!Array.isArray(value)) return [`${path}: is no list`];
      return value.flatMap((one, i) => valueFaults(db, one, type.element, `${path}[${i}]`));
    case 'map':
      return Object.entries(Object(value)).flatMap(([key, one]) =>
        valueFaults(db, one, type.element, `${path}.${key}`),
      );
    case 'union': {
      const faults = type.types.map((one) => valueFaults(db, value, one, path));
      return faults.find((found) => found.length === 0) ?? faults[0] ?? [];
    }
    case 'string':
      return ['string', 'number', 'boolean'].includes(typeof value) ? [] : [`${path}: is no text`];
    case 'integer':
    case 'number':
      return Number.isFinite(Number(value)) ? [] : [`${path}: is no number`];
    case 'boolean':
      return typeof value === 'boolean' ? [] : [`${path}: is neither true nor false`];
    default:
      return [];
  }
}

/** Both values of an Fn::If, without what stands for no value. */
function branchesOf(value: unknown): unknown[] | undefined {
  if (typeof value !== 'object' || value === null || !('Fn::If' in value)) return undefined;
  const [, ...branches] = value['Fn::If'] as unknown[];
  return branches.filter((branch) => !(isIntrinsic(branch) && 'Ref' in branch && branch.Ref === 'AWS::NoValue'));
}

function isIntrinsic(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const [key, ...more] = Object.keys(value);
  return more.length === 0 && (key === 'Ref' || key?.startsWith('Fn::') === true);
}

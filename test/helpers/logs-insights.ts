/**
 * Enough of CloudWatch Logs Insights' query language for the queries of the docs (CloudWatch Logs' guide, "Logs Insights
 * QL"): `filter`, `stats … by …`, `fields` and `sort`. It throws at anything else. Field names are case-sensitive, a
 * JSON line's list has fields like `stack.0`, and a field that is not there is no value: nothing equals it.
 */
export type Row = Readonly<Record<string, unknown>>;

type Expression = (line: Row) => unknown;
type Aggregate = (lines: readonly Row[]) => unknown;

/** What CloudWatch makes of a printed line: the fields of a JSON line, and `@message` of any. */
export function toFields(line: string, at = Date.now()): Row {
  const fields: Record<string, unknown> = { '@message': line, '@timestamp': at };
  const put = (prefix: string, value: unknown): void => {
    if (value === null) return;
    if (typeof value !== 'object') fields[prefix] = value;
    else for (const [key, inner] of Object.entries(value)) put(prefix ? `${prefix}.${key}` : key, inner);
  };
  if (line.startsWith('{')) put('', JSON.parse(line));
  return fields;
}

/** The rows that a query finds among lines. */
export function query(text: string, lines: readonly Row[]): Row[] {
  return splitOutside(text.trim(), '|').reduce((rows, command) => run(command.trim(), rows), [...lines]);
}

function run(command: string, rows: Row[]): Row[] {
  const [name = '', rest = ''] = command.split(/\s+(.*)/s);
  switch (name) {
    case 'filter': {
      const condition = parse(rest);
      return rows.filter((row) => condition(row) === true);
    }
    case 'fields': {
      const columns = splitOutside(rest, ',').map((column) => [column.trim(), parse(column)] as const);
      return rows.map((row) => Object.fromEntries(columns.map(([column, value]) => [column, value(row)])));
    }
    case 'stats':
      return stats(rest, rows);
    case 'sort':
      if (!/^@timestamp( desc| asc)?$/.test(rest)) throw new Error(`unknown order: ${rest}`);
      return rows;
    default:
      throw new Error(`unknown command: ${command}`);
  }
}

function stats(text: string, rows: readonly Row[]): Row[] {
  const [what = '', by = ''] = text.split(/\s+by\s+/);
  const columns = splitOutside(what, ',').map((column) => {
    const [aggregate = '', name] = column.trim().split(/\s+as\s+/);
    return [name ?? aggregate, parseAggregate(aggregate)] as const;
  });
  const keys = by === '' ? [] : splitOutside(by, ',').map((key) => [key.trim(), parse(key)] as const);
  const groups = new Map<string, { key: Row; lines: Row[] }>();
  for (const row of rows) {
    const key = Object.fromEntries(keys.map(([name, value]) => [name, value(row)]));
    const id = JSON.stringify(key);
    const group = groups.get(id) ?? { key, lines: [] };
    group.lines.push(row);
    groups.set(id, group);
  }
  return [...groups.values()].map(({ key, lines }) => ({
    ...key,
    ...Object.fromEntries(columns.map(([name, aggregate]) => [name, aggregate(lines)])),
  }));
}

/** `count(*)`, `sum(a)`, `max(a)`, `pct(a, n)`, and a quotient of two of them. */
function parseAggregate(text: string): Aggregate {
  const quotient = splitOutside(text, '/');
  if (quotient.length === 2) {
    const [above, below] = quotient.map((part) => parseAggregate(part.trim()));
    return (lines) => Number(above?.(lines)) / Number(below?.(lines));
  }
  const [, name, inner = ''] = /^(\w+)\((.*)\)$/.exec(text) ?? [];
  if (name === 'count' && inner === '*') return (lines) => lines.length;
  const [value = '', percent] = splitOutside(inner, ',');
  const expression = parse(value);
  const numbers = (lines: readonly Row[]): number[] =>
    lines
      .map(expression)
      .filter((one) => typeof one === 'number')
      .sort((a, b) => a - b);
  switch (name) {
    case 'sum':
      return (lines) => numbers(lines).reduce((sum, one) => sum + one, 0);
    case 'avg':
      return (lines) => {
        const all = numbers(lines);
        return all.length === 0 ? undefined : all.reduce((sum, one) => sum + one, 0) / all.length;
      };
    case 'max':
      return (lines) => numbers(lines).at(-1);
    case 'pct':
      return (lines) => {
        const sorted = numbers(lines);
        return sorted[Math.max(0, Math.ceil((sorted.length * Number(percent)) / 100) - 1)];
      };
    default:
      throw new Error(`unknown aggregate: ${text}`);
  }
}

const TOKEN = /\s*(\/(?:\\.|[^/\\])+\/|'[^']*'|"[^"]*"|\d+[a-z]+|[\d.]+|!=|>=|<=|[=<>()[\],]|@?[A-Za-z_][\w.]*)/y;

/** A condition or a value: `or`, then `and`, then `not`, then comparisons. */
function parse(text: string): Expression {
  const tokens: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.trimEnd().length) {
    const at = TOKEN.lastIndex;
    const token = TOKEN.exec(text)?.[1];
    if (token === undefined) throw new Error(`can not read: ${text.slice(at)}`);
    tokens.push(token);
  }
  let next = 0;
  const take = (token: string): boolean => {
    if (tokens[next] !== token) return false;
    next += 1;
    return true;
  };
  const expect = (token: string): void => {
    if (!take(token)) throw new Error(`expected ${token} in: ${text}`);
  };
  const list = (end: string): Expression[] => {
    const items: Expression[] = [];
    while (!take(end)) {
      items.push(either());
      take(',');
    }
    return items;
  };
  function either(): Expression {
    const parts = [both()];
    while (take('or')) parts.push(both());
    return parts.length === 1 && parts[0] ? parts[0] : (line) => parts.some((part) => part(line) === true);
  }
  function both(): Expression {
    const parts = [comparison()];
    while (take('and')) parts.push(comparison());
    return parts.length === 1 && parts[0] ? parts[0] : (line) => parts.every((part) => part(line) === true);
  }
  function comparison(): Expression {
    if (take('not')) {
      const inner = comparison();
      return (line) => inner(line) !== true;
    }
    const left = value();
    if (take('in')) {
      expect('[');
      const items = list(']');
      return (line) => left(line) !== undefined && items.some((item) => item(line) === left(line));
    }
    if (take('like')) {
      const pattern = tokens[next++] ?? '';
      const inner = pattern.slice(1, -1);
      const regex = pattern.startsWith('/') ? new RegExp(inner) : undefined;
      return (line) => {
        const subject = left(line);
        return subject !== undefined && (regex ? regex.test(String(subject)) : String(subject).includes(inner));
      };
    }
    for (const operator of ['!=', '>=', '<=', '=', '>', '<']) {
      if (!take(operator)) continue;
      const right = value();
      return (line) => compare(operator, left(line), right(line));
    }
    return left;
  }
  function value(): Expression {
    if (take('(')) {
      const inner = either();
      expect(')');
      return inner;
    }
    const token = tokens[next++] ?? '';
    if (/^['"]/.test(token)) return () => token.slice(1, -1);
    if (/^\d/.test(token)) return () => Number(token);
    if (!/^[@\w]/.test(token)) throw new Error(`unexpected ${token} in: ${text}`);
    if (!take('(')) return (line) => line[token];
    if (token === 'bin') {
      next += 1;
      expect(')');
      // All lines are taken to be of one moment.
      return () => 'now';
    }
    const inner = list(')');
    switch (token) {
      case 'ispresent':
        return (line) => inner[0]?.(line) !== undefined;
      case 'coalesce':
        return (line) => inner.map((one) => one(line)).find((one) => one !== undefined);
      default:
        throw new Error(`unknown function: ${token}`);
    }
  }
  const expression = either();
  if (next !== tokens.length) throw new Error(`left over in: ${text}`);
  return expression;
}

function compare(operator: string, left: unknown, right: unknown): boolean {
  if (operator === '=') return left === right;
  if (left === undefined || right === undefined) return false;
  if (operator === '!=') return left !== right;
  const [a, b] = [Number(left), Number(right)];
  if (operator === '>') return a > b;
  if (operator === '<') return a < b;
  return operator === '>=' ? a >= b : a <= b;
}

/** Splits at a character that stands in no quotes, brackets or regular expression. */
function splitOutside(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  let depth = 0;
  let quote = '';
  for (let i = 0; i < text.length; i += 1) {
    const character = text[i] ?? '';
    if (quote) {
      if (character === '\\') i += 1;
      else if (character === quote) quote = '';
    } else if (/['"]/.test(character) || (character === '/' && /like\s*$/.test(text.slice(0, i)))) quote = character;
    else if (/[([]/.test(character)) depth += 1;
    else if (/[)\]]/.test(character)) depth -= 1;
    else if (character === separator && depth === 0) {
      parts.push(text.slice(start, i));
      start = i + 1;
    }
  }
  return [...parts, text.slice(start)];
}

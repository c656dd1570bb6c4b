/** A value for some of the minutes, by their number. A minute without one is missing. */
export type Series = ReadonlyMap<number, number>;

/**
 * The result of a metric math expression over some minutes: numbers, ids, `+ - * / >`, brackets, DIFF and FILL.
 * A comparison is 1 or 0.
 * In arithmetic a missing value is 0 where the other series has one, and what divides by zero is dropped.
 * https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (Basic arithmetic functions)
 */
export function calculate(expression: string, series: ReadonlyMap<string, Series>, minutes: readonly number[]): Series {
  const tokens = expression.match(/[A-Za-z]\w*|[\d.]+|[-+*/>(),]/g) ?? [];
  let at = 0;

  function comparison(): Series | number {
    const left = sum();
    return tokens[at] === '>' ? apply(tokens[at++] ?? '', left, sum()) : left;
  }
  function sum(): Series | number {
    let left = product();
    while (tokens[at] === '+' || tokens[at] === '-') left = apply(tokens[at++] ?? '', left, product());
    return left;
  }
  function product(): Series | number {
    let left = operand();
    while (tokens[at] === '*' || tokens[at] === '/') left = apply(tokens[at++] ?? '', left, operand());
    return left;
  }
  function operand(): Series | number {
    const token = tokens[at++] ?? '';
    if (token === '(') return closing(comparison());
    if (/^[\d.]+$/.test(token)) return Number(token);
    if (token === 'DIFF' || token === 'FILL') {
      at += 1;
      const argument = toSeries(sum());
      if (token === 'DIFF') return closing(differences(argument));
      at += 1;
      return closing(filled(argument, Number(tokens[at++]), minutes));
    }
    const found = series.get(token);
    if (!found) throw new Error(`${expression}: what is ${token}?`);
    return found;
  }
  function closing<T>(value: T): T {
    if (tokens[at++] !== ')') throw new Error(`${expression}: a bracket is missing`);
    return value;
  }

  const result = toSeries(comparison());
  if (at !== tokens.length) throw new Error(`${expression}: ${tokens.slice(at).join(' ')} is left over`);
  return result;
}

function toSeries(value: Series | number): Series {
  if (typeof value === 'number') throw new Error('a number is no time series');
  return value;
}

function apply(operator: string, left: Series | number, right: Series | number): Series | number {
  if (typeof left === 'number' && typeof right === 'number') return arithmetic(operator, left, right);
  const minutes = new Set([left, right].flatMap((side) => (typeof side === 'number' ? [] : [...side.keys()])));
  const valueAt = (side: Series | number, minute: number): number =>
    typeof side === 'number' ? side : (side.get(minute) ?? 0);
  return new Map(
    [...minutes].flatMap((minute) => {
      const value = arithmetic(operator, valueAt(left, minute), valueAt(right, minute));
      return Number.isFinite(value) ? [[minute, value]] : [];
    }),
  );
}

function arithmetic(operator: string, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '>':
      return left > right ? 1 : 0;
    default:
      return left / right;
  }
}

/** The difference to the value before, wherever there is one. */
function differences(series: Series): Series {
  const sorted = [...series].sort(([a], [b]) => a - b);
  return new Map(sorted.slice(1).map(([minute, value], i) => [minute, value - (sorted[i]?.[1] ?? 0)]));
}

function filled(series: Series, value: number, minutes: readonly number[]): Series {
  return new Map(minutes.map((minute) => [minute, series.get(minute) ?? value]));
}

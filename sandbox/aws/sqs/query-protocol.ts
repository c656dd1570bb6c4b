/**
 * The AWS query protocol, which older AWS CLIs speak with SQS: a form in, XML out. Enough of it for the operations of
 * the stand-in.
 */

/** The names of SQS's flattened lists in a form, and of the input's members that they fill. */
const INPUT_LISTS: Readonly<Record<string, string>> = {
  SendMessageBatchRequestEntry: 'Entries',
  DeleteMessageBatchRequestEntry: 'Entries',
  ChangeMessageVisibilityBatchRequestEntry: 'Entries',
  AttributeName: 'AttributeNames',
  MessageAttributeName: 'MessageAttributeNames',
  MessageSystemAttributeName: 'MessageSystemAttributeNames',
};
const INPUT_MAPS: Readonly<Record<string, string>> = { MessageAttribute: 'MessageAttributes' };

/** The longest path of SQS has 6 steps: `SendMessageBatchRequestEntry.1.MessageAttribute.1.Value.DataType`. */
const MAX_STEPS = 8;

/** A part of a form: a value, or parts by the next step of their keys. */
type Part = string | Map<string, Part>;

/** The operation's name and input in a form, whose keys are paths: `MessageAttribute.1.Value.DataType`. */
export function readQuery(body: string): { action: string; input: Record<string, unknown> } {
  const form = new URLSearchParams(body);
  const root = new Map<string, Part>();
  for (const [key, value] of form) {
    if (key !== 'Action' && key !== 'Version') put(root, key.split('.', MAX_STEPS), value);
  }
  return { action: form.get('Action') ?? '', input: toInput(root) };
}

function put(parts: Map<string, Part>, [step = '', ...steps]: readonly string[], value: string): void {
  if (steps.length === 0) {
    parts.set(step, value);
    return;
  }
  const known = parts.get(step);
  const inner = known instanceof Map ? known : new Map<string, Part>();
  parts.set(step, inner);
  put(inner, steps, value);
}

function toInput(parts: ReadonlyMap<string, Part>): Record<string, unknown> {
  const members = [...parts].map(([name, part]): [string, unknown] => {
    if (typeof part === 'string') return [name, part];
    const map = INPUT_MAPS[name];
    const list = INPUT_LISTS[name];
    if (map === undefined && list === undefined) return [name, toInput(part)];
    const values = [...part.values()].map((value) => (typeof value === 'string' ? value : toInput(value)));
    return map === undefined ? [list ?? name, values] : [map, Object.fromEntries(values.flatMap(toMember))];
  });
  return Object.fromEntries(members);
}

/** The entry of a map, which is written as a name and a value. */
function toMember(entry: string | Record<string, unknown>): [string, unknown][] {
  return typeof entry === 'object' && typeof entry.Name === 'string' ? [[entry.Name, entry.Value]] : [];
}

/** An output as XML, with the element names of SQS's flattened lists and maps. */
export function writeQueryOutput(action: string, output: Record<string, unknown>): string {
  return `<${action}Response><${action}Result>${members(action, output)}</${action}Result></${action}Response>`;
}

/** What the query protocol calls an error, where the JSON protocol has another name for it. */
const QUERY_CODES: ReadonlyMap<string, string> = new Map([
  ['BatchEntryIdsNotDistinct', 'AWS.SimpleQueueService.BatchEntryIdsNotDistinct'],
  ['BatchRequestTooLong', 'AWS.SimpleQueueService.BatchRequestTooLong'],
  ['EmptyBatchRequest', 'AWS.SimpleQueueService.EmptyBatchRequest'],
  ['InvalidBatchEntryId', 'AWS.SimpleQueueService.InvalidBatchEntryId'],
  ['MessageNotInflight', 'AWS.SimpleQueueService.MessageNotInflight'],
  ['QueueDoesNotExist', 'AWS.SimpleQueueService.NonExistentQueue'],
  ['TooManyEntriesInBatchRequest', 'AWS.SimpleQueueService.TooManyEntriesInBatchRequest'],
  ['UnknownOperationException', 'InvalidAction'],
]);

/** A code as the query protocol has it, and the header by which the JSON protocol repeats it. */
export function queryCode(code: string): string {
  return QUERY_CODES.get(code) ?? code;
}

export function writeQueryError(code: string, message: string): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${escaped(code)}</Code><Message>${escaped(message)}</Message></Error></ErrorResponse>`;
}

const LIST_ELEMENTS: Readonly<Record<string, (action: string) => string>> = {
  Messages: () => 'Message',
  QueueUrls: () => 'QueueUrl',
  Successful: (action) => `${action}ResultEntry`,
  Failed: () => 'BatchResultErrorEntry',
};
const MAP_ELEMENTS: Readonly<Record<string, string>> = {
  Attributes: 'Attribute',
  MessageAttributes: 'MessageAttribute',
};

function members(action: string, value: object): string {
  const content = (one: unknown): string =>
    typeof one === 'object' && one !== null ? members(action, one) : escaped(String(one));
  return Object.entries(value)
    .map(([name, member]) => {
      const list = LIST_ELEMENTS[name];
      if (list && Array.isArray(member)) return member.map((one) => element(list(action), content(one))).join('');
      const map = MAP_ELEMENTS[name];
      if (map && typeof member === 'object' && member !== null) {
        return Object.entries(member)
          .map(([key, one]) => element(map, element('Name', escaped(key)) + element('Value', content(one))))
          .join('');
      }
      return element(name, content(member));
    })
    .join('');
}

function element(name: string, xml: string): string {
  return `<${name}>${xml}</${name}>`;
}

function escaped(text: string): string {
  return text.replace(/[<>&"\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

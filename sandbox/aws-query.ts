/**
 * The AWS query protocol, which older AWS CLIs speak with SQS: a form in, XML out. Enough of it for the operations of
 * the stand-in.
 */

/** The operation's name and input in a form, lists and maps of attribute names left out. */
export function readQuery(body: string): { action: string; input: Record<string, unknown> } {
  const { Action: action = '', Version: _, ...input } = Object.fromEntries(new URLSearchParams(body));
  return { action, input };
}

/** An output as XML, with the element names of SQS's flattened lists and maps. */
export function writeQueryOutput(action: string, output: Record<string, unknown>): string {
  return `<${action}Response><${action}Result>${members(output)}</${action}Result></${action}Response>`;
}

export function writeQueryError(code: string, message: string): string {
  return `<ErrorResponse><Error><Type>Sender</Type><Code>${escaped(code)}</Code><Message>${escaped(message)}</Message></Error></ErrorResponse>`;
}

const LIST_ELEMENTS: Record<string, string> = { Messages: 'Message' };
const MAP_ELEMENTS: Record<string, string> = { Attributes: 'Attribute', MessageAttributes: 'MessageAttribute' };

function members(value: object): string {
  return Object.entries(value)
    .map(([name, member]) => {
      const list = LIST_ELEMENTS[name];
      if (list && Array.isArray(member)) return member.map((one) => element(list, members(one))).join('');
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

function content(value: unknown): string {
  return typeof value === 'object' && value !== null ? members(value) : escaped(String(value));
}

function element(name: string, xml: string): string {
  return `<${name}>${xml}</${name}>`;
}

function escaped(text: string): string {
  return text.replace(/[<>&"\r]/g, (character) => `&#${character.charCodeAt(0)};`);
}

export interface CurlRequest {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string | undefined;
}

/** A POST as a command for a POSIX shell. */
export function toCurl({ url, headers, body }: CurlRequest): string {
  return [
    `curl -i -X POST ${quoted(url)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...(body === undefined ? [] : [`-d ${quoted(body)}`]),
  ].join(' \\\n  ');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

import { MIMEType } from 'node:util';
import { JoinError } from '../lib/errors.ts';
import { MAX_REQUEST_BYTES, parseRequestText, unreadableBody } from '../lib/join/request-text.ts';
import { fieldOf, headerOf } from './event-field.ts';

/**
 * The JSON value of an HTTP API event's body, or undefined if there is no body. Throws PAYLOAD_TOO_LARGE,
 * UNSUPPORTED_MEDIA_TYPE or INVALID_REQUEST.
 */
export function readBody(event: unknown): unknown {
  const body = fieldOf(event, 'body');
  if (!body) return undefined;
  if (typeof body !== 'string') throw unreadableBody();
  const isBase64 = fieldOf(event, 'isBase64Encoded') === true;
  if (Buffer.byteLength(body, isBase64 ? 'base64' : 'utf8') > MAX_REQUEST_BYTES) {
    throw new JoinError('PAYLOAD_TOO_LARGE');
  }
  if (!isUtf8Json(headerOf(event, 'content-type')) || isPacked(headerOf(event, 'content-encoding'))) {
    throw new JoinError('UNSUPPORTED_MEDIA_TYPE');
  }
  return parseRequestText(isBase64 ? decodeBase64(body) : body);
}

/**
 * A body without a type is taken for JSON in UTF-8, the only type that this door takes. What nearly everybody sends needs
 * no parser.
 */
function isUtf8Json(contentType: string | undefined): boolean {
  if (contentType === undefined || contentType === 'application/json') return true;
  try {
    const { essence } = new MIMEType(contentType);
    const charsets = [...contentType.matchAll(/;\s*charset\s*=\s*"?([^;"\s]*)/gi)];
    const isJson = essence === 'application/json' || /^application\/[^/]+\+json$/.test(essence);
    return isJson && charsets.every(([, charset = '']) => /^utf-?8$/i.test(charset));
  } catch {
    return false;
  }
}

/** Whether a body would have to be unpacked. */
function isPacked(contentEncoding = 'identity'): boolean {
  return contentEncoding.split(',').some((coding) => !/^(identity)?$/i.test(coding.trim()));
}

function decodeBase64(body: string): string {
  const bytes = Buffer.from(body, 'base64');
  // With the mark left in, which is taken out where all texts are read.
  const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  try {
    if (bytes.toString('base64') === body) return utf8.decode(bytes);
  } catch {}
  throw unreadableBody();
}

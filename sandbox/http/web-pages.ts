import type http from 'node:http';

const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;

/** Which web pages may call a port. */
export interface AllowedPages {
  /** Those of these origins; `*`: of any. */
  origins?: readonly string[];
  /** Those that the port itself has served. */
  ownPages?: boolean;
}

/**
 * Whether a request may come from a program of this machine, from a person who typed the address, or from a web page that
 * is allowed. A foreign page is known by its Origin, by the Host of its own name that resolves to this machine, and, since
 * a browser sends no Origin with some GETs, by Sec-Fetch-Site (W3C, "Fetch Metadata Request Headers").
 *
 * Chromium says `Sec-Fetch-Site: none`, as for an address that a person typed, where a page's speculation rules make it
 * load an address in advance. Sec-Purpose tells the two apart. After it was refused a page, it asks for that port's icon
 * in the port's own name. The sandbox's pages ask for no images.
 */
export function mayCall(
  headers: http.IncomingHttpHeaders,
  { origins = [], ownPages = false }: AllowedPages = {},
): boolean {
  const { host = '', origin, 'sec-fetch-site': site, 'sec-fetch-dest': destination } = headers;
  if (!LOOPBACK_HOST.test(host) || destination === 'image') return false;
  if (headers['sec-purpose'] !== undefined || headers.purpose !== undefined) return false;
  if (ownPages && origin === `http://${host}`) return true;
  if (origin !== undefined) return origins.includes('*') || origins.includes(origin);
  return site === undefined || site === 'none' || (ownPages && site === 'same-origin');
}

/** Answers 403 and listens no further. */
export function refuse(response: http.ServerResponse): void {
  response.writeHead(403, { 'Content-Type': 'text/plain', Connection: 'close' });
  response.end('This port of the sandbox does not answer you.\n');
}

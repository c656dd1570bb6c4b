import http from 'node:http';
import https from 'node:https';
import type { KeySetFetcher } from './issuer-keys.ts';

const FETCH_TIMEOUT_MS = 2000;
/** For each of a name's addresses. Node gives each but the last 250 ms. */
const ADDRESS_TIMEOUT_MS = 1000;
const MAX_KEYS_BYTES = 64 * 1024;
/** Web application firewalls refuse requests without one. */
const USER_AGENT = 'rongcloud-group-join';

/** Gives the text of a key set, which is at an address or in the configuration. */
export function keySetFetcher(keySet: URL | string): KeySetFetcher {
  return typeof keySet === 'string' ? async () => keySet : httpKeySetFetcher(keySet);
}

/**
 * Fetches a key set over HTTP: 2 seconds and 64 kB at most, no redirects, status 200 only. Built on node:https,
 * since the global fetch would load Node's undici at a start.
 */
export function httpKeySetFetcher(url: URL, timeoutMs = FETCH_TIMEOUT_MS): KeySetFetcher {
  return () =>
    new Promise((resolve, reject) => {
      const { Agent, get } = url.protocol === 'https:' ? https : http;
      const agent = new Agent({ autoSelectFamilyAttemptTimeout: ADDRESS_TIMEOUT_MS });
      const request = get(
        url,
        {
          agent,
          headers: { Accept: 'application/json', 'Accept-Encoding': 'identity', 'User-Agent': USER_AGENT },
        },
        (response) => {
          if (response.statusCode === 200) readText(response, resolve, reject);
          else fail(new Error(`the issuer answered ${response.statusCode}`));
        },
      );
      const fail = (why: Error): void => {
        reject(why);
        request.destroy();
      };
      const timer = setTimeout(() => fail(new Error('timed out')), timeoutMs);
      request.on('error', reject);
      request.on('close', () => {
        clearTimeout(timer);
        // A switch of protocols (101) ends a request without an error. Whatever was settled before stays.
        reject(new Error('the issuer closed without an answer'));
      });
    });
}

function readText(answer: http.IncomingMessage, resolve: (text: string) => void, reject: (why: Error) => void): void {
  const chunks: Buffer[] = [];
  let bytes = 0;
  answer.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes <= MAX_KEYS_BYTES) chunks.push(chunk);
    else answer.destroy(new Error(`the issuer's answer is over ${MAX_KEYS_BYTES} bytes`));
  });
  answer.on('error', reject);
  answer.on('end', () => resolve(Buffer.concat(chunks).toString('utf8')));
}

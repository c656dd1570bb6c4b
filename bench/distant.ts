import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { generate } from 'selfsigned';
import { forward } from '../sandbox/http/forward.ts';
import { HOST, readBody } from '../sandbox/http/server.ts';

/** Puts a stand-in behind TLS and a network: gives the URL at which the same answers come so much later. */
export type Distance = (url: string) => Promise<string>;

/** A network whose round trip takes so many milliseconds, and the certificate that its servers show. */
export async function createDistance(roundTripMs: number): Promise<{ distance: Distance; certificate: string }> {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    algorithm: 'sha256',
    extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: HOST }] }],
  });
  const distance: Distance = (url) => {
    const server = https.createServer({ key, cert }, async (request, response) => {
      const { method = 'GET', url: path = '/', headers } = request;
      const body = await readBody(request);
      await sleep(roundTripMs);
      const answer = await forward({ url, path, method, headers, body });
      response.writeHead(answer.status, { 'Content-Type': answer.headers['content-type'] }).end(answer.body);
    });
    return new Promise((resolve) => {
      server.listen(0, HOST, () => resolve(`https://${HOST}:${(server.address() as AddressInfo).port}`));
    });
  };
  return { distance, certificate: cert };
}

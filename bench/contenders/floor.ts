import { createHash, randomBytes } from 'node:crypto';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';

// The least that joins: a signature and a post over one kept-alive socket. No authentication, no secret, no checks.

const url = new URL('/group/join.json', process.env.RONGCLOUD_API_URLS);
const http = process.getBuiltinModule(url.protocol === 'https:' ? 'node:https' : 'node:http');
const agent = new http.Agent({ keepAlive: true });

export const handler = (event: APIGatewayProxyEventV2) =>
  new Promise((resolve, reject) => {
    const nonce = randomBytes(9).toString('hex');
    const timestamp = String(Date.now());
    const signature = createHash('sha1').update(`${process.env.BENCH_APP_SECRET}${nonce}${timestamp}`).digest('hex');
    const form = `groupId=${event.pathParameters?.groupId}&userId=alice`;
    const request = http.request(url, {
      method: 'POST',
      agent,
      headers: {
        'App-Key': process.env.BENCH_APP_KEY,
        Nonce: nonce,
        Timestamp: timestamp,
        Signature: signature,
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': form.length,
      },
    });
    request.on('error', reject);
    request.on('response', (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () => resolve({ statusCode: JSON.parse(text).code === 200 ? 200 : 502, body: text }));
    });
    request.end(form);
  });

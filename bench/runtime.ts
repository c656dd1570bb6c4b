// What stands between Lambda's Runtime API and a handler: the same few lines for every contender. Lambda's own reads
// node:http without importing it as an ES module, which would load undici too: so does this.
const http = process.getBuiltinModule('node:http');

const api = process.env.AWS_LAMBDA_RUNTIME_API;
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function call(method: string, path: string, body?: string): Promise<{ id: string; deadline: number; text: string }> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      `http://${api}/2018-06-01/runtime/invocation/${path}`,
      { method, agent },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            id: String(response.headers['lambda-runtime-aws-request-id']),
            deadline: Number(response.headers['lambda-runtime-deadline-ms']),
            text: Buffer.concat(chunks).toString('utf8'),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

const { handler } = await import(process.env._HANDLER ?? '');
for (;;) {
  const { id, deadline, text } = await call('GET', 'next');
  const event = JSON.parse(text);
  const context = { awsRequestId: id, getRemainingTimeInMillis: () => deadline - Date.now() };
  if (event.bench === 'end') process.exit();
  const result = event.bench === 'usage' ? usage() : await handler(event, context);
  await call('POST', `${id}/response`, JSON.stringify(result));
}

function usage(): object {
  const { user, system } = process.cpuUsage();
  return {
    cpuMicroseconds: user + system,
    peakKilobytes: process.resourceUsage().maxRSS,
  };
}

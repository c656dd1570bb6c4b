// A built door as Lambda runs it, driven over IPC: `node door-process.mjs <url of the bundle>`. Plain JavaScript, since
// tests start it often, and Node would strip types each time.
const realNow = Date.now;
let later = 0;
// Before the bundle takes it.
Date.now = () => realNow() + later;
const { handler } = await import(process.argv[2] ?? '');

function nobodyForesaw() {
  throw new TypeError('a bug');
}

process.on('message', async ({ event, remainingMs, laterMs }) => {
  later = laterMs;
  if (event?.bug) Object.defineProperty(event, 'body', { get: () => nobodyForesaw() });
  const context = { awsRequestId: 'aws-1', getRemainingTimeInMillis: () => remainingMs };
  try {
    const result = await handler(event, context);
    process.send?.({ result, peakBytes: process.resourceUsage().maxRSS * 1024 });
  } catch ({ name, message, stack }) {
    process.send?.({ error: { name, message, stack } });
  }
});
process.on('disconnect', () => process.exit());
process.send?.('ready');

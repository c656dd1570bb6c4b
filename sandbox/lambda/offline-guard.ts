import http from 'node:http';
import { isMainThread } from 'node:worker_threads';
import { KEY_HEADER } from '../http/forward.ts';
import { refuse } from '../http/server.ts';

// Loaded into serverless-offline's process before anything else: its ports have no check of who calls, and any web page
// could reach them. Only who has the key is heard. Can go when serverless-offline can listen without a TCP port.
const key = process.env.SANDBOX_KEY;
// The functions run in threads of this process and are not told.
delete process.env.SANDBOX_KEY;

if (isMainThread) {
  const { emit } = http.Server.prototype;
  // 'request', 'checkContinue', 'upgrade' and every other event that brings a request.
  http.Server.prototype.emit = function (this: http.Server, event: string, ...args: unknown[]) {
    const [request, response] = args;
    if (request instanceof http.IncomingMessage) {
      const isOurs = key !== undefined && request.headers[KEY_HEADER] === key;
      if (!isOurs) {
        if (response instanceof http.ServerResponse) refuse(response);
        else request.socket.destroy();
        return true;
      }
      hide(request);
    }
    return Reflect.apply(emit, this, [event, ...args]);
  };
}

/** Takes the key out of what the functions get to see. Every second text is a name: a value may say the same. */
function hide(request: http.IncomingMessage): void {
  delete request.headers[KEY_HEADER];
  const index = request.rawHeaders.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === KEY_HEADER);
  request.rawHeaders.splice(index, 2);
}

import net from 'node:net';

// Tests talk to this machine alone: a connection to anywhere else fails the test that made it.
const LOOPBACK = /^(localhost|127(\.\d+){3}|::1)$/;
// Names that never resolve (RFC 6761) may be tried.
const RESERVED = /\.invalid$/;

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (this: net.Socket, ...args: unknown[]) {
  const [first] = args.flat();
  const host = typeof first === 'object' && first !== null && 'host' in first ? first.host : undefined;
  if (typeof host === 'string' && !LOOPBACK.test(host) && !RESERVED.test(host)) {
    throw new Error(`A test tried to connect to ${host}.`);
  }
  return Reflect.apply(connect, this, args);
};

import net from 'node:net';
import tls from 'node:tls';

/** A request as it came over the wire, and the connection that it came on. */
export interface SeenRequest {
  connection: number;
  path: string;
  headers: Record<string, string>;
  body: string;
}

/** What a server does with each connection, with the first bytes of a request, and with a whole request. */
export interface Behavior {
  onConnection?(socket: net.Socket): void;
  onBytes?(socket: net.Socket): void;
  onRequest?(socket: net.Socket, request: SeenRequest): void;
}

/** A raw server on the loopback interface that does what no HTTP library would. */
export interface FaultyServer {
  url: string;
  seen: SeenRequest[];
  /** Connections opened so far, TLS ones once their handshake is done. */
  connections: number;
  behave(behavior: Behavior): void;
  /** Closes every open connection and goes on listening. */
  drop(): void;
  close(): Promise<void>;
}

export async function startFaultyServer(behavior: Behavior, tlsOptions?: tls.TlsOptions): Promise<FaultyServer> {
  const sockets = new Set<net.Socket>();
  const seen: SeenRequest[] = [];
  let current = behavior;
  const onConnection = (socket: net.Socket): void => {
    faulty.connections += 1;
    const connection = faulty.connections;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    current.onConnection?.(socket);
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      if (bytes.length === 0) current.onBytes?.(socket);
      bytes = Buffer.concat([bytes, chunk]);
      const request = parse(bytes, connection);
      if (!request) return;
      bytes = Buffer.alloc(0);
      seen.push(request);
      current.onRequest?.(socket, request);
    });
  };
  const server = tlsOptions ? tls.createServer(tlsOptions, onConnection) : net.createServer(onConnection);
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  const faulty: FaultyServer = {
    url: tlsOptions ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    seen,
    connections: 0,
    behave(next) {
      current = next;
    },
    drop() {
      for (const socket of sockets) socket.destroy();
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return faulty;
}

/** One whole request with a Content-Length, or undefined if more bytes are to come. */
function parse(bytes: Buffer, connection: number): SeenRequest | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [start = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n');
  const headers = Object.fromEntries(
    lines.map((line) => [line.split(': ')[0]?.toLowerCase(), line.slice(line.indexOf(': ') + 2)]),
  );
  const body = bytes.subarray(end + 4);
  if (body.length < Number(headers['content-length'] ?? 0)) return undefined;
  return { connection, path: start.split(' ')[1] ?? '', headers, body: body.toString('utf8') };
}

/** Answers every request, in full. */
export function answers(status: number, body: string, headers: Record<string, string> = {}): Behavior {
  return {
    onRequest: (socket) => {
      socket.write(response(status, body, { 'Content-Length': String(Buffer.byteLength(body)), ...headers }));
    },
  };
}

/** Writes bytes for each request and then does something with the connection. */
export function writes(bytes: string | Buffer, then: (socket: net.Socket) => void = () => {}): Behavior {
  return { onRequest: (socket) => void socket.write(bytes, () => then(socket)) };
}

export function response(status: number, body: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  return `HTTP/1.1 ${status} Status\r\n${lines.join('')}\r\n${body}`;
}

/** One behaviour for each request in turn; the last for all that follow. */
export function inTurn(...behaviors: Behavior[]): Behavior {
  let index = 0;
  return {
    onRequest(socket, request) {
      const behavior = behaviors[Math.min(index, behaviors.length - 1)];
      index += 1;
      behavior?.onRequest?.(socket, request);
    },
  };
}

export const joins = answers(200, '{"code":200}');
export const neverAnswers: Behavior = {};

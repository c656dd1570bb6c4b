import type net from 'node:net';
import type { SeededRandom } from '../../tools/sim/seeded-random.ts';
import { type Behavior, type FaultyServer, response, startFaultyServer } from './faulty-server.ts';

/** The domains of one environment, both of which do what its script says, and everyone they joined. */
export interface Script {
  /** What the ids of its users begin with, up to a hyphen, so that many scripts share two servers. */
  id: string;
  random: SeededRandom;
  /** Until then every request joins and is told so. */
  isCalm: boolean;
  joined: Set<string>;
  /**
   * Whether members who ask again are refused only right after a reset, as RongCloud would do it at the worst. The queue
   * believes a refusal of a single user who asks again: users beside one with an internal error would else never end.
   */
  knowsMembers: boolean;
  /** The users of the last request, if its connection was reset. */
  reset?: string | undefined;
}

const page = (status: number): string => answer(status, '<html></html>');
const code = (status: number, value: number): string => answer(status, `{"code":${value}}`);

/** Refusals for what a call holds. */
const CONTENT_REFUSALS = [code(400, 1002), code(200, 405)];
/** Refusals of the moment. They carry nothing out either. */
const REFUSALS = [code(429, 1008), code(401, 1006), code(401, 1004), page(403), page(408), page(429)];

/** Endings of a call that may have been carried out. */
const RESETS: readonly ((socket: net.Socket) => void)[] = [
  (socket) => void socket.resetAndDestroy(),
  (socket) => void socket.destroy(),
];
const ENDINGS: readonly ((socket: net.Socket, isCarriedOut: boolean) => void)[] = [
  // Late: mostly after the time limit of the tests.
  (socket, isCarriedOut) => {
    const answer = isCarriedOut ? code(200, 200) : code(500, 1050);
    setTimeout(() => socket.destroyed || socket.write(answer), 60);
  },
  // Hangs.
  () => undefined,
  (socket) => void socket.write(code(200, 200).slice(0, -3), () => socket.destroy()),
  (socket) => void socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnot a chunk\r\n'),
  (socket) => void socket.write('nonsense\r\n\r\n'),
  (socket) => void socket.write(code(500, 1000)),
  (socket) => void socket.write(page(502)),
];

/** Two raw servers, the domains of all scripts. */
export interface ScriptedServers {
  urls: readonly [string, string];
  play(script: Script): void;
  close(): Promise<void>;
}

export async function startScriptedServers(): Promise<ScriptedServers> {
  const scripts = new Map<string, Script>();
  const behavior: Behavior = {
    onRequest(socket, request) {
      const userIds = new URLSearchParams(request.body).getAll('userId');
      const script = scripts.get(userIds[0]?.split('-')[0] ?? '');
      if (script) act(script, socket, userIds);
    },
  };
  const servers: [FaultyServer, FaultyServer] = [await startFaultyServer(behavior), await startFaultyServer(behavior)];
  return {
    urls: [servers[0].url, servers[1].url],
    play: (script) => void scripts.set(script.id, script),
    close: async () => {
      await Promise.all(servers.map((server) => server.close()));
    },
  };
}

function act(script: Script, socket: net.Socket, userIds: readonly string[]): void {
  const { isCalm, random, joined, knowsMembers } = script;
  const users = userIds.join();
  const mayRefuseContent = !knowsMembers || script.reset === users || !userIds.every((userId) => joined.has(userId));
  script.reset = undefined;
  if (!isCalm && random.chance(0.35)) {
    socket.write(random.pick(mayRefuseContent && random.chance(0.5) ? CONTENT_REFUSALS : REFUSALS));
    return;
  }
  const isTold = isCalm || random.chance(0.2);
  const isCarriedOut = isTold || random.chance(0.5);
  if (isCarriedOut) for (const userId of userIds) joined.add(userId);
  if (isTold) socket.write(code(200, 200));
  else if (random.chance(0.5)) random.pick(ENDINGS)(socket, isCarriedOut);
  else {
    script.reset = users;
    random.pick(RESETS)(socket);
  }
}

function answer(status: number, body: string): string {
  return response(status, body, { 'Content-Length': String(Buffer.byteLength(body)) });
}

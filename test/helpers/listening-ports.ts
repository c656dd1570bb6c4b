import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** The TCP ports that this process and those that it started listen on, as Linux's /proc tells. */
export function listeningPorts(): number[] {
  const inodes = new Set(family(process.pid).flatMap(socketInodes));
  return [...listeningSockets()].flatMap(([inode, port]) => (inodes.has(inode) ? [port] : []));
}

/** A process and all that descend from it. */
function family(root: number): number[] {
  const parents = readdirSync('/proc').flatMap((name): [number, number][] => {
    const status = /^\d+$/.test(name) ? tryTo(() => readFileSync(`/proc/${name}/status`, 'utf8')) : undefined;
    const parent = /^PPid:\s+(\d+)$/m.exec(status ?? '')?.[1];
    return parent === undefined ? [] : [[Number(name), Number(parent)]];
  });
  const found = [root];
  for (const one of found) for (const [child, parent] of parents) if (parent === one) found.push(child);
  return found;
}

function socketInodes(pid: number): string[] {
  const folder = `/proc/${pid}/fd`;
  return (tryTo(() => readdirSync(folder)) ?? []).flatMap((fd) => {
    const inode = /^socket:\[(\d+)\]$/.exec(tryTo(() => readlinkSync(`${folder}/${fd}`)) ?? '')?.[1];
    return inode === undefined ? [] : [inode];
  });
}

/** Ports of listening sockets (state 0A) by inode. */
function* listeningSockets(): Generator<[string, number]> {
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    for (const line of (tryTo(() => readFileSync(table, 'utf8')) ?? '').split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/);
      if (state === '0A') yield [inode, Number.parseInt(local.split(':')[1] ?? '', 16)];
    }
  }
}

/** Processes end while they are looked at. */
function tryTo<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

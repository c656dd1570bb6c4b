import { spawn } from 'node:child_process';

/** Runs `npm start` of a copy of the project until it is ready, and gives all that it says. */
export async function startOnce(folder: string, env: Record<string, string>): Promise<string> {
  const child = spawn(process.execPath, ['sandbox/start.mjs'], {
    cwd: folder,
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk) => {
      said += chunk;
      if (/^(?:Joined|Could not join|Nobody was joined)/m.test(said)) child.kill('SIGINT');
    });
  }
  await new Promise((resolve) => child.on('exit', resolve));
  return said;
}

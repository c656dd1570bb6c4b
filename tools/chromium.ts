import { existsSync } from 'node:fs';

/** The Chromium of this machine, if there is one: what `CHROMIUM` names, or Debian's or Google's. */
export const CHROMIUM = [
  process.env.CHROMIUM,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
].find((path) => path !== undefined && existsSync(path));

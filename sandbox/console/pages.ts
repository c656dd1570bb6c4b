import { readFile } from 'node:fs/promises';
import type http from 'node:http';
import { fileURLToPath } from 'node:url';

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
};

const LIT_HTML = ['lit-html.js', 'directive.js', 'directive-helpers.js', 'directives/repeat.js'];

/** The console's files by path. page.js finds lit-html by the same relative path in this folder and in a browser. */
const FILES = new Map([
  ['/', new URL('page.html', import.meta.url)],
  ...['page.css', 'page.js'].map((name) => [`/${name}`, new URL(name, import.meta.url)] as const),
  ...LIT_HTML.map((name) => `/node_modules/lit-html/${name}`).map(
    (path) => [path, new URL(`../..${path}`, import.meta.url)] as const,
  ),
]);

/** The page loads nothing but its own files and asks nobody but its own server. */
const HEADERS = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types lit-html',
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};

/** Answers with a file of the page, and says whether the path has one. */
export async function servePage(path: string, response: http.ServerResponse): Promise<boolean> {
  const file = FILES.get(path);
  if (!file) return false;
  const content = await readFile(fileURLToPath(file));
  const type = TYPES[file.pathname.split('.').at(-1) ?? ''];
  response.writeHead(200, { ...HEADERS, 'Content-Type': type, 'Content-Length': content.length }).end(content);
  return true;
}

// Serves the channel page. Its script and style are bundled by esbuild the first time, and kept under node_modules/.cache
// for the same sources and lock file.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { send } from '../slack/http.mjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const cache = fileURLToPath(new URL('../node_modules/.cache/countersign-page/', import.meta.url));

function sourcesHash() {
  const hash = createHash('sha256');
  const sources = readdirSync(here).sort().map((name) => here + name);
  for (const path of [...sources, fileURLToPath(new URL('../package-lock.json', import.meta.url))]) hash.update(readFileSync(path));
  return hash.digest('hex').slice(0, 16);
}

async function bundle() {
  const folder = `${cache}${sourcesHash()}`;
  if (!existsSync(folder)) {
    const unfinished = `${folder}.${process.pid}`;
    mkdirSync(unfinished, { recursive: true });
    await build({
      entryPoints: { page: `${here}app.jsx` },
      outdir: unfinished,
      bundle: true,
      minify: true,
      jsx: 'automatic',
      format: 'esm',
      define: { 'process.env.NODE_ENV': '"production"' },
      logLevel: 'silent',
    });
    try {
      renameSync(unfinished, folder);
    } catch (error) {
      // Another process was quicker.
      rmSync(unfinished, { recursive: true, force: true });
      if (!existsSync(folder)) throw error;
    }
  }
  return { script: readFileSync(`${folder}/page.js`), style: readFileSync(`${folder}/page.css`), html: readFileSync(`${here}index.html`) };
}

let bundled;

/** Answers `/`, `/page.js` and `/page.css`; false for any other path. */
export async function servePage(pathname, response) {
  const parts = { '/': ['html', 'text/html'], '/page.js': ['script', 'text/javascript'], '/page.css': ['style', 'text/css'] };
  if (!Object.hasOwn(parts, pathname)) return false;
  const [part, type] = parts[pathname];
  bundled ??= bundle();
  send(response, 200, (await bundled)[part], { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' });
  return true;
}

// The scripted reviewer: opens the channel page and presses a card's button as a person would.
//   node clicker.mjs --page URL --channel C… --request req_… --as alice --do approve|reject|ask [--text "…"] [--screenshot file.png]
//                    [--timeout 20000]
// In Chromium where there is one (CHROMIUM, /usr/bin/chromium, PATH), else through the page's own routes.
// Prints one JSON line. Exit code 0: the card changed (or was only read); 3: the reviewer was told no; 1: anything else.
import { parseArgs } from 'node:util';
import { Stuck } from './clicker/actions.mjs';
import { reviewInBrowser, withPage } from './clicker/browser.mjs';
import { findChromium } from './clicker/find.mjs';
import { reviewOverHttp } from './clicker/http.mjs';

const CODES = { changed: 0, viewed: 0, refused: 3 };

function options() {
  const { values } = parseArgs({
    options: {
      page: { type: 'string' },
      channel: { type: 'string' },
      request: { type: 'string' },
      as: { type: 'string' },
      do: { type: 'string' },
      text: { type: 'string' },
      screenshot: { type: 'string' },
      timeout: { type: 'string', default: '20000' },
    },
  });
  for (const name of ['page', 'channel', 'request', 'as', 'do']) {
    if (!values[name]) throw new Stuck(`--${name} is missing`);
  }
  const { page, as, do: action, timeout, ...rest } = values;
  return { ...rest, url: page.replace(/\/$/, ''), user: as, action, timeout: Number(timeout) };
}

async function review(wanted) {
  const chromium = findChromium();
  if (!chromium) return { via: 'http', ...(await reviewOverHttp(wanted)) };
  return { via: 'chromium', ...(await withPage(chromium, (page) => reviewInBrowser(page, wanted))) };
}

try {
  const { request, user, action, ...wanted } = options();
  const seen = await review({ request, user, action, ...wanted });
  process.stdout.write(`${JSON.stringify({ via: seen.via, request, as: user, do: action, ...seen })}\n`);
  process.exitCode = CODES[seen.result] ?? 1;
} catch (error) {
  const result = error instanceof Stuck ? 'stuck' : 'error';
  process.stdout.write(`${JSON.stringify({ result, detail: error.message })}\n`);
  process.exitCode = 1;
}

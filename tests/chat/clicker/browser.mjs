// The scripted reviewer in a real browser: chooses channel and person, finds the card, presses, fills the modal, waits.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import puppeteer from 'puppeteer-core';
import { actionIdOf, GRACE_MS, Stuck } from './actions.mjs';

const ARGUMENTS = [
  '--headless=new',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];

/** Opens a page of a fresh browser, calls `use(page)`, and leaves nothing behind. */
export async function withPage(executablePath, use) {
  const userDataDir = await mkdtemp(join(tmpdir(), 'countersign-chromium-'));
  let browser;
  try {
    browser = await puppeteer.launch({ executablePath, userDataDir, args: ARGUMENTS, pipe: true });
    const page = await browser.newPage();
    await page.setViewport({ width: 1280, height: 900 });
    return await use(page);
  } finally {
    await browser?.close();
    await rm(userDataDir, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  }
}

/** Does one review. Returns what it saw; throws `Stuck` with a sentence when a person could not go on. */
export async function reviewInBrowser(page, { url, channel, request, user, action, text, timeout, screenshot }) {
  const actionId = actionIdOf(action);
  page.setDefaultTimeout(timeout);
  await page.goto(`${url}/?request=${encodeURIComponent(request)}`, { waitUntil: 'domcontentloaded' });
  await press(page, `[data-channel-id="${channel}"]`, `the page has no channel ${channel}`);
  await page.select('#as', user);
  await page.waitForSelector(`.page[data-channel="${channel}"][data-user] #as`);
  const card = await waitFor(page, findCard, [request, actionId], `no card of ${request} in ${channel}`);
  if (!card.has) throw new Stuck(`the card of ${request} shows no button ${actionId}; it says: ${card.text}`);
  await closeLeftOver(page);
  const selector = `article[data-ts="${card.ts}"]`;
  const started = performance.now();
  await press(page, `${selector} [data-action-id="${actionId}"]`, `the button ${actionId} cannot be pressed`);
  const seen = await follow(page, { card, text, timeout });
  const change_ms = Math.round(performance.now() - started);
  if (screenshot) await page.screenshot({ path: screenshot });
  return { channel, ts: card.ts, ...seen, change_ms };
}

/** A modal that an earlier review left open is in the way. */
async function closeLeftOver(page) {
  while (await page.$('dialog[data-view-id]')) {
    const id = await page.$eval('dialog[data-view-id]', (dialog) => dialog.dataset.viewId);
    await press(page, `dialog[data-view-id="${id}"] [data-view-close]`, 'a modal is in the way');
    await page.waitForSelector(`dialog[data-view-id="${id}"]`, { hidden: true });
  }
}

async function press(page, selector, complaint) {
  try {
    await (await page.waitForSelector(`${selector}:not([disabled])`)).click();
  } catch (error) {
    throw new Stuck(`${complaint} (${error.message})`);
  }
}

async function waitFor(page, predicate, parameters, complaint) {
  try {
    const handle = await page.waitForFunction(predicate, { polling: 'mutation' }, ...parameters);
    return await handle.jsonValue();
  } catch {
    throw new Stuck(complaint);
  }
}

// Runs in the page.
function findCard(request, actionId) {
  const cards = [...document.querySelectorAll('article:not([data-ephemeral="true"])')].filter(
    (article) => article.dataset.request === request || article.textContent.includes(request),
  );
  if (cards.length === 0) return null;
  const has = (article) => article.querySelector(`[data-action-id="${CSS.escape(actionId)}"]`) !== null;
  const card = cards.filter(has).at(-1) ?? cards.at(-1);
  const told = document.querySelectorAll(`article[data-origin="${card.dataset.ts}"]`).length;
  return { ts: card.dataset.ts, has: has(card), updates: card.dataset.updates, text: card.innerText, told };
}

// Runs in the page: what there is to do or see next.
function nextStep(ts, updates, toldBefore, viewHash) {
  const confirm = document.querySelector('dialog[data-confirm]');
  if (confirm) return { kind: 'confirm' };
  const view = document.querySelector('dialog[data-view-id]');
  if (view && view.dataset.viewHash !== viewHash) return { kind: 'view', hash: view.dataset.viewHash, submits: view.querySelector('[data-view-submit]') !== null, words: view.innerText };
  if (view) {
    const wrong = view.querySelector('[role="alert"], .failed');
    return wrong ? { kind: 'view_error', words: wrong.innerText } : null;
  }
  const article = document.querySelector(`article[data-ts="${ts}"]`);
  const told = [...document.querySelectorAll(`article[data-origin="${ts}"]`)].map((one) => one.querySelector('.body').innerText);
  const facts = { click_ms: Number(article?.dataset.clickMs) || null, told: told.slice(toldBefore), text: article?.innerText ?? '' };
  if (!article || article.dataset.updates !== updates) return { kind: 'changed', ...facts };
  if (article.dataset.clickFailed) return { kind: 'failed', ...facts, reason: article.dataset.clickFailed };
  if (told.length > toldBefore) return { kind: 'told', ...facts };
  return null;
}

async function follow(page, { card, text, timeout }) {
  const modals = [];
  let hash = '';
  for (;;) {
    const parameters = [card.ts, card.updates, card.told, hash];
    const step = await waitFor(page, nextStep, parameters, `nothing happened on the card within ${timeout} ms`);
    if (step.kind === 'confirm') {
      await press(page, 'dialog[data-confirm] [data-confirm-yes]', 'the confirm dialog has no way on');
      await page.waitForSelector('dialog[data-confirm]', { hidden: true });
    } else if (step.kind === 'view') {
      hash = step.hash;
      modals.push(step.words);
      const done = await passView(page, step, text);
      if (done) return { result: 'viewed', click_ms: null, told: [], text: card.text, modals };
    } else if (step.kind === 'view_error') {
      return { result: 'modal_error', click_ms: null, told: [step.words], text: card.text, modals };
    } else {
      const { kind, reason, click_ms, told, text: after } = step.kind === 'told' ? await wait(page, parameters, step) : step;
      const result = { changed: 'changed', failed: 'failed', told: 'refused' }[kind];
      return { result, ...(reason && { reason }), click_ms: await acknowledged(page, card.ts, click_ms), told, text: after, modals };
    }
  }
}

/** Fills and submits a modal; true when it can only be read and closed. */
async function passView(page, step, text) {
  if (!step.submits) {
    await press(page, '[data-view-close]', 'the modal cannot be closed');
    return true;
  }
  for (const field of await page.$$('dialog[data-view-id] textarea, dialog[data-view-id] input')) {
    if (!text) continue;
    await field.click({ count: 3 });
    await field.type(text);
  }
  await press(page, '[data-view-submit]', 'the modal cannot be submitted');
  return false;
}

/** The card may change a moment after the reviewer was told something. */
async function wait(page, parameters, told) {
  try {
    const changed = `(${nextStep})(...${JSON.stringify(parameters)})`;
    const handle = await page.waitForFunction(`(() => { const s = ${changed}; return s?.kind === 'changed' && s; })()`, { timeout: GRACE_MS });
    return await handle.jsonValue();
  } catch {
    return told;
  }
}

/** How long the app took to acknowledge the press; the page knows when the answer is there. */
async function acknowledged(page, ts, known) {
  if (known) return known;
  try {
    const handle = await page.waitForFunction((id) => Number(document.querySelector(`article[data-ts="${id}"]`)?.dataset.clickMs), { timeout: 5000 }, ts);
    return await handle.jsonValue();
  } catch {
    return null;
  }
}

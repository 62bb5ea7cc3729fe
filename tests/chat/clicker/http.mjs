// The scripted reviewer without a browser: the same steps through the routes that the page uses.
import { setTimeout as delay } from 'node:timers/promises';
import { actionIdOf, GRACE_MS, Stuck } from './actions.mjs';

const POLL_MS = 40;

function routes(url) {
  const read = async (answer) => {
    const value = await answer.json();
    if (!value.ok) throw new Stuck(`the stand-in refused: ${value.detail ?? value.error}`);
    return value;
  };
  return {
    get: async (path, query) => read(await fetch(`${url}/_standin/${path}?${new URLSearchParams(query)}`)),
    post: async (path, body) => read(await fetch(`${url}/_standin/${path}`, { method: 'POST', body: JSON.stringify(body) })),
  };
}

const buttons = (message) => message.blocks.flatMap((block) => (block.type === 'actions' ? block.elements : [block.accessory].filter(Boolean)));

async function until(timeout, complaint, attempt) {
  const end = performance.now() + timeout;
  for (;;) {
    const found = await attempt();
    if (found) return found;
    if (performance.now() > end) throw new Stuck(complaint);
    await delay(POLL_MS);
  }
}

/** Does one review. Returns what it saw; throws `Stuck` with a sentence when a person could not go on. */
export async function reviewOverHttp({ url, channel, request, user: name, action, text, timeout }) {
  const actionId = actionIdOf(action);
  const { get, post } = routes(url);
  const { users } = await get('workspace', {});
  const user = users.find((candidate) => candidate.name === name || candidate.id === name);
  if (!user) throw new Stuck(`the workspace has no user ${name}`);
  const has = (message) => buttons(message).some((button) => button.action_id === actionId);
  const card = await until(timeout, `no card of ${request} in ${channel}`, async () => {
    const { messages } = await get('messages', { channel, contains: request });
    return messages.filter(has).at(-1) ?? messages.at(-1);
  });
  if (!has(card)) throw new Stuck(`the card of ${request} shows no button ${actionId}; it says: ${card.text}`);

  const { views: before } = await get('views', { user: user.id });
  const started = performance.now();
  const click = await post('click', { channel, ts: card.ts, action_id: actionId, user: user.id });
  const seen = { channel, ts: card.ts, click_ms: click.ms, modals: [] };
  const finish = (rest) => ({ ...seen, ...rest, change_ms: Math.round(performance.now() - started) });
  if (click.failed) return finish({ result: 'failed', reason: click.failed, told: [], text: card.text });

  const mine = (message) => (message?.ephemerals ?? []).filter((one) => one.ephemeral_to === user.id);
  let toldAt = null;
  return until(timeout, `nothing happened on the card within ${timeout} ms`, async () => {
    const { views } = await get('views', { user: user.id });
    const record = views.findLast((candidate) => candidate.open && candidate.origin.ts === card.ts && !before.some(({ view }) => view.id === candidate.view.id));
    if (record) {
      seen.modals.push(record.view.title.text);
      const stop = await passView(post, record.view, user, text);
      if (stop) return finish({ text: card.text, told: [], ...stop });
    }
    const { messages } = await get('messages', { channel });
    const now = messages.find((message) => message.ts === card.ts);
    const told = mine(now).slice(mine(card).length);
    const facts = { told: told.map((one) => one.text), text: now?.text ?? '' };
    if (!now || now.updates !== card.updates) return finish({ result: 'changed', ...facts });
    if (told.length > 0) toldAt ??= performance.now();
    return toldAt !== null && performance.now() - toldAt > GRACE_MS ? finish({ result: 'refused', ...facts }) : null;
  });
}

/** Fills and submits a modal. Returns how the review ends with it, or null when it goes on. */
async function passView(post, view, user, text) {
  if (!view.submit) {
    await post('close', { view_id: view.id, user: user.id });
    return { result: 'viewed' };
  }
  const inputs = view.blocks.filter((block) => block.type === 'input');
  const values = Object.fromEntries(inputs.map(({ block_id, element }) => [block_id, { [element.action_id]: text ?? element.initial_value ?? '' }]));
  const answer = await post('submit', { view_id: view.id, user: user.id, values });
  const errors = Object.values(answer.errors ?? {});
  return answer.failed || errors.length > 0 ? { result: 'modal_error', told: errors.concat(answer.failure ?? []) } : null;
}

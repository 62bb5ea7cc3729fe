// What Slack adds to blocks when it stores them: ids that were left out, and the flags of text objects.
import { randomBytes } from 'node:crypto';

const shortId = () => randomBytes(4).toString('base64url').slice(0, 5);
const interactive = new Set(['button', 'overflow', 'static_select', 'users_select', 'checkboxes', 'radio_buttons', 'plain_text_input']);

function visit(value) {
  if (Array.isArray(value)) return value.map(visit);
  if (value === null || typeof value !== 'object') return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, field]) => [name, visit(field)]));
  if (copy.type === 'plain_text' && copy.emoji === undefined) copy.emoji = true;
  if (copy.type === 'mrkdwn' && copy.verbatim === undefined) copy.verbatim = false;
  if (interactive.has(copy.type) && copy.action_id === undefined) copy.action_id = shortId();
  return copy;
}

/** A copy of the blocks as Slack would store and show them. */
export function normalise(blocks) {
  return blocks.map((block) => ({ ...visit(block), block_id: block.block_id ?? shortId() }));
}

// A sample approval card: header, computed fields, the agent's words in rich text, three buttons.

const plain = (text) => ({ type: 'plain_text', text });
const field = (name, value) => ({ type: 'mrkdwn', text: `*${name}*\n${value}` });
const button = (action_id, text, value, extra = {}) => ({ type: 'button', action_id, text: plain(text), value, ...extra });
const literal = (text) => ({ type: 'rich_text_preformatted', elements: [{ type: 'text', text }] });

/** Blocks of the card; `words` are what the agent says. */
export function sampleBlocks(requestId, { words = 'Nightly clean-up of exports older than 30 days.', argumentsText = '{\n  "bucket": "acme-exports",\n  "prefix": "2024/"\n}' } = {}) {
  const value = JSON.stringify({ id: requestId, revision: 1, digest: `sha256:${'ab'.repeat(32)}` });
  const confirm = { title: plain('Reject this request?'), text: plain('The agent is told at once and cannot ask the same again today.'), confirm: plain('Reject'), deny: plain('Back'), style: 'danger' };
  return [
    { type: 'header', text: plain('Approval needed: s3.DeleteObjects') },
    {
      type: 'section',
      fields: [field('Target', '`arn:aws:s3:::acme-exports`'), field('Environment', 'production'), field('Risk', 'high · deletes data'), field('Agent', '`role/cleaner`'), field('Asks for', 'Bob Brandt'), field('Time left', '58 min')],
    },
    { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'Arguments', style: { bold: true } }] }, literal(argumentsText)] },
    { type: 'rich_text', elements: [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'Agent says (unverified)', style: { bold: true } }] }, literal(words)] },
    {
      type: 'actions',
      block_id: 'decide',
      elements: [button('approve', 'Approve', value, { style: 'primary' }), button('reject', 'Reject', value, { style: 'danger', confirm }), button('request_info', 'Ask for more', value)],
    },
    { type: 'context', elements: [{ type: 'mrkdwn', text: `${requestId} · revision 1 · 0 of 1 approvals` }] },
  ];
}

/** The whole arguments of chat.postMessage for the card. */
export const sampleCard = (channel, requestId, options) => ({
  channel,
  text: 'Approval needed: s3.DeleteObjects',
  blocks: sampleBlocks(requestId, options),
  metadata: { event_type: 'countersign_card', event_payload: { request_id: requestId } },
  unfurl_links: false,
  unfurl_media: false,
  parse: 'none',
});

// Builds interaction payloads as Slack sends them: block_actions and view_submission.
// Message metadata is left out of block_actions, as Slack's reference lists none: a button's value must carry what the app needs.
import { publicMessage } from './methods/chat.mjs';

function who(workspace, user) {
  // In a shared channel the team is the one of the person who pressed.
  const { id, name, domain } = user.team_id === workspace.team.id ? workspace.team : workspace.otherTeam;
  return {
    user: { id: user.id, username: user.name, name: user.name, team_id: user.team_id },
    team: { id, domain: domain ?? name },
    api_app_id: workspace.app.id,
    token: 'deprecated-verification-token',
    enterprise: null,
    is_enterprise_install: false,
  };
}

/** The interactive element with this action_id, and its block; undefined when the message has none. */
export function findElement(message, actionId, blockId) {
  for (const block of message.blocks) {
    if (blockId && block.block_id !== blockId) continue;
    const elements = block.type === 'actions' ? block.elements : [block.accessory, block.element].filter(Boolean);
    const element = elements.find((candidate) => candidate.action_id === actionId);
    if (element) return { block, element };
  }
  return undefined;
}

/** The payload of a press on a button. */
export function blockActions(workspace, { user, channel, message, block, element, triggerId, responseUrl, actionTs }) {
  const ephemeral = Boolean(message.ephemeral_to);
  const { action_id, text, value, style, type } = element;
  const action = { action_id, block_id: block.block_id, text, value, style, type, action_ts: actionTs };
  return {
    type: 'block_actions',
    ...who(workspace, user),
    container: { type: 'message', message_ts: message.ts, channel_id: channel.id, is_ephemeral: ephemeral },
    trigger_id: triggerId,
    channel: { id: channel.id, name: channel.name },
    ...(!ephemeral && { message: publicMessage(message) }),
    state: { values: {} },
    response_url: responseUrl,
    actions: [JSON.parse(JSON.stringify(action))],
  };
}

/** The payload of a submitted modal. */
export function viewSubmission(workspace, { user, record, values, triggerId }) {
  const state = { values: {} };
  for (const block of record.view.blocks.filter((candidate) => candidate.type === 'input')) {
    const { action_id, type } = block.element;
    const given = values?.[block.block_id]?.[action_id];
    state.values[block.block_id] = { [action_id]: { type, value: given === undefined || given === '' ? null : given } };
  }
  return {
    type: 'view_submission',
    ...who(workspace, user),
    trigger_id: triggerId,
    view: { ...record.view, state },
    response_urls: [],
  };
}

/** The inputs of a view that must be filled and are not, or are too long or too short, by block id. */
export function unfilled(view, values) {
  const errors = {};
  for (const block of view.blocks.filter((candidate) => candidate.type === 'input')) {
    const { action_id, min_length = 0, max_length = 3000 } = block.element;
    const given = values?.[block.block_id]?.[action_id] ?? '';
    if (given === '' && !block.optional) errors[block.block_id] = 'Please complete this required field.';
    else if (given.length > max_length) errors[block.block_id] = `Must be at most ${max_length} characters.`;
    else if (given !== '' && given.length < min_length) errors[block.block_id] = `Must be at least ${min_length} characters.`;
  }
  return errors;
}

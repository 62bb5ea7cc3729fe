// What the control routes and the page show of the workspace's state.

const requestId = (message) => message.metadata?.event_payload?.request_id ?? null;

/** A message with all that a test may ask of it, the ephemeral messages that answer presses on it included. */
export function shownMessage(channel, message) {
  const ephemerals = channel.ephemerals.filter((candidate) => candidate.origin === message.ts || candidate.thread_ts === message.ts);
  return { channel: channel.id, request_id: requestId(message), ...message, ephemerals };
}

/** Messages of a channel (or of all), oldest first; `contains` looks in text, blocks and metadata. */
export function shownMessages(workspace, channelId, contains) {
  const channels = channelId ? [workspace.channels.get(channelId)].filter(Boolean) : [...workspace.channels.values()];
  const has = (message) => !contains || JSON.stringify([message.text, message.blocks, message.metadata]).includes(contains);
  const found = channels.flatMap((channel) => channel.messages.filter(has).map((message) => shownMessage(channel, message)));
  return found.sort((a, b) => (a.ts < b.ts ? -1 : 1));
}

/** Ephemeral messages, oldest first, of a channel (or of all) and of a user (or of all). */
export function shownEphemerals(workspace, channelId, user) {
  const channels = channelId ? [workspace.channels.get(channelId)].filter(Boolean) : [...workspace.channels.values()];
  const found = channels.flatMap((channel) => channel.ephemerals.map((message) => ({ channel: channel.id, ...message })));
  return found.filter((message) => !user || message.ephemeral_to === user);
}

/** Views, oldest first; `user` narrows them. */
export function shownViews(workspace, user) {
  return [...workspace.views.values()].filter((record) => !user || record.user === user);
}

/** All that the page needs at its start. */
export function shownWorkspace(workspace) {
  const users = [...workspace.users.values()].map(({ id, name, real_name, color, team_id, is_bot, is_own_bot, deleted, is_restricted }) => ({
    id, name, real_name, color, team_id, is_bot: Boolean(is_bot), is_own_bot: Boolean(is_own_bot), deleted: Boolean(deleted), is_restricted: Boolean(is_restricted),
  }));
  const channels = [...workspace.channels.values()].map(({ id, name, is_member, is_archived, is_ext_shared, messages }) => ({
    id, name, is_member, is_archived, is_ext_shared, count: messages.length,
  }));
  return { team: workspace.team, app: workspace.app, users, channels };
}

// chat.postMessage, chat.update, chat.postEphemeral.
import { messageProblems, tooLong } from '../blocks/blocks.mjs';
import { normalise } from '../blocks/normalise.mjs';
import { structured, UNREADABLE } from '../args.mjs';
import { Failure, required } from './failure.mjs';

// Slack's page speaks of truncation at 40,000 characters, but apps report msg_too_long above 4,000.
const TEXT_MAX = 4000;
const METADATA_BYTES = 8000;

/** The blocks of a call, checked and as stored; undefined when none are given. */
export function readBlocks(args) {
  const blocks = structured(args.blocks);
  if (blocks === undefined) return undefined;
  if (blocks === UNREADABLE || !Array.isArray(blocks)) throw new Failure('invalid_blocks_format');
  const problems = messageProblems(blocks);
  if (problems.length > 0) {
    const messages = problems.map((problem) => `[ERROR] ${problem}`);
    throw new Failure('invalid_blocks', { errors: problems, response_metadata: { messages } });
  }
  if (tooLong(blocks)) throw new Failure('msg_blocks_too_long');
  return normalise(blocks);
}

/** The text of a call, checked; undefined when absent. */
export function readText(args) {
  if (args.text === undefined || args.text === null) return undefined;
  const text = String(args.text);
  if (text.length > TEXT_MAX) throw new Failure('msg_too_long');
  return text;
}

function readMetadata(args) {
  const metadata = structured(args.metadata);
  if (metadata === undefined) return undefined;
  const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);
  if (metadata === UNREADABLE || !isObject(metadata)) throw new Failure('invalid_metadata_format');
  if (Object.keys(metadata).length === 0) return null;
  const { event_type: name, event_payload: payload } = metadata;
  if (typeof name !== 'string' || name === '' || !isObject(payload)) throw new Failure('invalid_metadata_format');
  const scalar = (value) => ['string', 'number', 'boolean'].includes(typeof value);
  const flat = (value) => scalar(value) || (isObject(value) && Object.values(value).every(scalar));
  const allowed = (value) => flat(value) || (Array.isArray(value) && value.every(flat));
  if (!Object.values(payload).every(allowed)) throw new Failure('invalid_metadata_schema');
  if (Buffer.byteLength(JSON.stringify(metadata)) > METADATA_BYTES) throw new Failure('metadata_too_large');
  return metadata;
}

function postable(workspace, args) {
  const channel = workspace.channel(required(args, 'channel'));
  if (!channel || (channel.is_private && !channel.is_member)) throw new Failure('channel_not_found');
  if (!channel.is_member) throw new Failure('not_in_channel');
  if (channel.is_archived) throw new Failure('is_archived');
  return channel;
}

function content(args) {
  const blocks = readBlocks(args);
  const text = readText(args);
  if (!text && !(blocks?.length > 0)) throw new Failure('no_text');
  return { text, blocks };
}

/** A message as it is shown to API users. */
export function publicMessage(message) {
  const { user, type, ts, bot_id, app_id, text, team, blocks, thread_ts, edited } = message;
  return { user, type, ts, bot_id, app_id, text, team, blocks, ...(thread_ts && { thread_ts }), ...(edited && { edited }) };
}

/** A new message by the app, not yet in any channel. */
export function newMessage(workspace, { text, blocks, metadata, thread_ts }) {
  return {
    type: 'message',
    ts: workspace.nextTs(),
    user: workspace.app.bot_user,
    bot_id: workspace.app.bot_id,
    app_id: workspace.app.id,
    team: workspace.team.id,
    text: text ?? '',
    blocks: blocks ?? [],
    metadata: metadata ?? null,
    thread_ts: thread_ts ?? null,
    edited: null,
    updates: 0,
    history: [],
    failures: [],
  };
}

/** chat.postMessage */
export function postMessage(workspace, args) {
  const channel = postable(workspace, args);
  const message = newMessage(workspace, { ...content(args), metadata: readMetadata(args), thread_ts: args.thread_ts });
  channel.messages.push(message);
  workspace.changed(channel.id);
  return { channel: channel.id, ts: message.ts, message: publicMessage(message) };
}

/** Writes new content over a message; text without blocks deletes the blocks. */
export function rewrite(workspace, message, { text, blocks, metadata }) {
  message.history.push({ text: message.text, blocks: message.blocks });
  message.text = text ?? '';
  message.blocks = blocks ?? [];
  if (metadata !== undefined) message.metadata = metadata;
  message.edited = { user: workspace.app.bot_user, ts: workspace.nextTs() };
  message.updates += 1;
}

/** chat.update */
export function update(workspace, args) {
  const channel = workspace.channel(required(args, 'channel'));
  const ts = required(args, 'ts');
  if (!channel) throw new Failure('channel_not_found');
  const message = channel.messages.find((candidate) => candidate.ts === ts);
  if (!message) throw new Failure('message_not_found');
  if (message.app_id !== workspace.app.id) throw new Failure('cant_update_message');
  rewrite(workspace, message, { ...content(args), metadata: readMetadata(args) });
  workspace.changed(channel.id);
  return { channel: channel.id, ts: message.ts, text: message.text, message: publicMessage(message) };
}

/** Adds a message that one user alone sees; it is tied to the card that this user clicked last in the channel. */
export function addEphemeral(workspace, channel, user, { text, blocks, thread_ts, origin }) {
  const message = { ...newMessage(workspace, { text, blocks, thread_ts }), ephemeral_to: user };
  message.origin = origin ?? channel.lastClick?.[user] ?? null;
  channel.ephemerals.push(message);
  workspace.changed(channel.id);
  return message;
}

/** chat.postEphemeral */
export function postEphemeral(workspace, args) {
  const channel = postable(workspace, args);
  const user = workspace.users.get(required(args, 'user'));
  if (!user || !workspace.inChannel(user, channel)) throw new Failure('user_not_in_channel');
  const message = addEphemeral(workspace, channel, user.id, { ...content(args), thread_ts: args.thread_ts });
  return { message_ts: message.ts };
}

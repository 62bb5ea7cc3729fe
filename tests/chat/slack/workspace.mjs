// The state of the stand-in workspace: channels, messages, views, triggers. All in memory, gone with the process.
// Knows nothing of HTTP.
import { EventEmitter } from 'node:events';
import { randomBytes } from 'node:crypto';
import { fixtures } from './fixtures.mjs';
import { RateLimits } from './rates.mjs';
import { Faults } from './faults.mjs';

/** Makes a workspace with the fixtures in it. */
export class Workspace {
  constructor({ botToken, signingSecret } = {}) {
    this.team = fixtures.team;
    this.otherTeam = fixtures.other_team;
    this.app = fixtures.app;
    this.botToken = botToken || `xoxb-standin-${randomBytes(12).toString('hex')}`;
    this.signingSecret = signingSecret || randomBytes(16).toString('hex');
    this.tokens = new Map([[this.botToken, fixtures.scopes]]);
    this.users = new Map(fixtures.users.map((user) => [user.id, { ...user, team_id: user.team_id ?? this.team.id }]));
    this.usergroups = new Map(fixtures.usergroups.map((group) => [group.id, group]));
    this.channels = new Map();
    this.views = new Map();
    this.triggers = new Map();
    this.responseUrls = new Map();
    this.calls = [];
    this.interactions = [];
    this.faults = new Faults();
    this.clockShift = 0;
    this.config = {
      interactions_url: null,
      events_url: null,
      ack_timeout_ms: 3000,
      trigger_ttl_ms: 3000,
      retry_after_s: 1,
      rate: { per_second: 50, burst: 500 },
    };
    this.rates = new RateLimits(() => this.config.rate);
    this.bus = new EventEmitter().setMaxListeners(0);
    this.url = null;
    this.lastTs = 0;
    for (const channel of fixtures.channels) this.addChannel(channel);
  }

  /** Milliseconds since the epoch, as this workspace sees it (a test may advance it). */
  now() {
    return Date.now() + this.clockShift;
  }

  /** A message timestamp: seconds and microseconds, never the same twice. */
  nextTs() {
    const micros = Math.max(this.now() * 1000, this.lastTs + 1);
    this.lastTs = micros;
    return `${Math.floor(micros / 1e6)}.${String(micros % 1e6).padStart(6, '0')}`;
  }

  /** Adds a channel, or replaces the flags of one that exists. */
  addChannel({ id, name, is_member = true, is_archived = false, is_ext_shared = false, is_private = false }) {
    const before = this.channels.get(id);
    const flags = { id, name: name ?? id.toLowerCase(), is_member, is_archived, is_ext_shared, is_private };
    this.channels.set(id, { messages: [], ephemerals: [], created: Math.floor(this.now() / 1000), ...before, ...flags });
    this.changed(id);
    return this.channels.get(id);
  }

  /** The channel with this id, or with this name (`#name` too). */
  channel(idOrName) {
    if (typeof idOrName !== 'string') return undefined;
    const name = idOrName.replace(/^#/, '');
    return this.channels.get(idOrName) ?? [...this.channels.values()].find((channel) => channel.name === name);
  }

  /** Whether a user may see a channel: no deleted users, single-channel guests only in theirs, other teams only where shared. */
  inChannel(user, channel) {
    if (user.deleted) return false;
    if (user.only_channel) return user.only_channel === channel.id;
    return user.team_id === this.team.id || channel.is_ext_shared;
  }

  /** The message, or ephemeral message, with this timestamp. */
  message(channelId, ts) {
    const channel = this.channels.get(channelId);
    if (!channel) return undefined;
    const same = (message) => message.ts === ts;
    return channel.messages.find(same) ?? channel.ephemerals.find(same);
  }

  /** Makes a trigger for one user's interaction; it can open one view. */
  newTrigger(user, origin) {
    const random = randomBytes(16).toString('hex');
    const id = `${Date.now()}.${Math.floor(Math.random() * 1e12)}.${random}`;
    this.triggers.set(id, { user, origin, made: this.now(), used: false });
    return id;
  }

  /** Makes a response_url for a message. */
  newResponseUrl(channel, message, user) {
    const path = `/actions/${this.team.id}/${Date.now()}/${randomBytes(12).toString('hex')}`;
    this.responseUrls.set(path, { channel, ts: message?.ts, user, made: this.now(), uses: 0 });
    return this.url + path;
  }

  /** Tells those who watch that something in a channel changed. */
  changed(channel) {
    this.bus.emit('change', { kind: 'channel', channel });
  }

  /** Tells those who watch that a view changed. */
  viewChanged(id) {
    this.bus.emit('change', { kind: 'view', view: id });
  }
}

/** A short random id with a prefix, of the shape that Slack uses (`V0A1B2C3D4`). */
export const newId = (prefix) => prefix + randomBytes(5).toString('hex').toUpperCase();

// Posting rate: one message a second for each channel, beyond a burst. The burst is generous by default so that
// tests which run side by side do not disturb each other; a test of the limit sets its own channel's rate.

/** Token buckets, one for each channel. */
export class RateLimits {
  constructor(defaults) {
    this.defaults = defaults;
    this.own = new Map();
    this.buckets = new Map();
  }

  /** Sets one channel's rate: `{per_second, burst}`. */
  set(channel, rate) {
    this.own.set(channel, rate);
    this.buckets.delete(channel);
  }

  /** Takes one post. Returns 0 when it may pass, else the seconds to wait (a whole number, at least 1). */
  take(channel, now) {
    const { per_second, burst } = this.own.get(channel) ?? this.defaults();
    const bucket = this.buckets.get(channel) ?? { level: burst, at: now };
    const level = Math.min(burst, bucket.level + ((now - bucket.at) / 1000) * per_second);
    const pass = level >= 1;
    this.buckets.set(channel, { level: pass ? level - 1 : level, at: now });
    return pass ? 0 : Math.max(1, Math.ceil((1 - level) / per_second));
  }
}

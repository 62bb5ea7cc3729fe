// Faults that a test asks for: the workspace is down, slow, overloaded or answers an error, for some calls.

const SIMPLE = ['down', 'http_500', 'ratelimited', 'hang', 'lost_answer'];

/** The faults in force, oldest first; the first that matches a call applies. */
export class Faults {
  constructor() {
    this.list = [];
    this.hung = new Set();
  }

  /** Adds a fault. Returns it, or throws a sentence that says what is wrong with it. */
  add({ method = '*', mode, times = null, channel = null }) {
    const known = SIMPLE.includes(mode) || /^error:[a-z_]+$/.test(mode ?? '') || /^slow:\d+$/.test(mode ?? '');
    if (!known) throw new Error(`mode must be one of ${SIMPLE.join(', ')}, slow:<ms> or error:<code>, not ${mode}`);
    if (times !== null && !(Number.isInteger(times) && times > 0)) throw new Error('times must be a whole number above 0');
    const fault = { method, mode, times, channel, hits: 0 };
    this.list.push(fault);
    return fault;
  }

  /** The fault for this call, counted as used; undefined when there is none. */
  take(method, channel) {
    const at = this.list.findIndex(
      (fault) => (fault.method === '*' || fault.method === method) && (fault.channel === null || fault.channel === channel),
    );
    if (at < 0) return undefined;
    const fault = this.list[at];
    fault.hits += 1;
    if (fault.times !== null && fault.hits >= fault.times) this.list.splice(at, 1);
    return fault;
  }

  /** Keeps a request open without an answer until the faults are cleared. */
  hang(socket) {
    this.hung.add(socket);
    socket.once('close', () => this.hung.delete(socket));
  }

  /** Ends faults (of one channel, or all) and cuts the requests that hang. */
  clear(channel) {
    this.list = channel ? this.list.filter((fault) => fault.channel !== channel) : [];
    if (!channel) for (const socket of this.hung) socket.destroy();
  }
}

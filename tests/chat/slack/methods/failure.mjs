// A Web API call that ends in `ok: false`.

/** Thrown by a method; `extra` is added to the answer. */
export class Failure extends Error {
  constructor(error, extra = {}) {
    super(error);
    this.error = error;
    this.extra = extra;
  }
}

/** `invalid_arguments` with Slack's messages. */
export const invalidArguments = (...messages) =>
  new Failure('invalid_arguments', { response_metadata: { messages: messages.map((message) => `[ERROR] ${message}`) } });

/** The argument, or `invalid_arguments` when it is absent. */
export function required(args, name) {
  const value = args[name];
  if (value === undefined || value === null || value === '') throw invalidArguments(`missing required field: ${name}`);
  return value;
}

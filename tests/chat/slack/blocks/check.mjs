// Small checkers that say what is wrong with a value in the words Slack uses, each with a JSON pointer.
// A checker is `(value, pointer, problems) => void`. Knows nothing of particular blocks.

/** Collects problems as `{pointer, message}`. */
export class Problems {
  constructor() {
    this.list = [];
  }

  add(pointer, message) {
    this.list.push({ pointer, message });
  }

  /** The problems as Slack words them in `errors`. */
  texts() {
    return this.list.map(({ pointer, message }) => `${message} [json-pointer:${pointer}]`);
  }
}

/**
 * A string of min to max characters. Characters are counted as UTF-16 units: never fewer than Slack counts, so what
 * passes here passes there.
 */
export const string = ({ min = 0, max = Infinity } = {}) => (value, pointer, problems) => {
  if (typeof value !== 'string') return problems.add(pointer, 'must provide a string');
  if (value.length < min) problems.add(pointer, `must be more than ${min - 1} characters`);
  if (value.length > max) problems.add(pointer, `must be less than ${max + 1} characters`);
};

/** true or false. */
export const bool = (value, pointer, problems) => {
  if (typeof value !== 'boolean') problems.add(pointer, 'must provide a boolean');
};

/** A whole number from min to max. */
export const integer = ({ min = -Infinity, max = Infinity } = {}) => (value, pointer, problems) => {
  if (!Number.isInteger(value)) return problems.add(pointer, 'must provide an integer');
  if (value < min || value > max) problems.add(pointer, `must be between ${min} and ${max}`);
};

/** One of a few strings. */
export const oneOf = (...allowed) => (value, pointer, problems) => {
  if (!allowed.includes(value)) problems.add(pointer, 'must be a valid enum value');
};

/** A list of min to max items, each of which the checker likes. */
export const list = (item, { min = 0, max = Infinity } = {}) => (value, pointer, problems) => {
  if (!Array.isArray(value)) return problems.add(pointer, 'must provide an array');
  if (value.length < min) problems.add(pointer, `no less than ${min} items allowed`);
  if (value.length > max) problems.add(pointer, `no more than ${max} items allowed`);
  value.forEach((element, index) => item(element, `${pointer}/${index}`, problems));
};

const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** An object with these required and optional fields and no others. A field that is null is not absent. */
export const object = (required, optional = {}) => (value, pointer, problems) => {
  if (!isObject(value)) return problems.add(pointer, 'must provide an object');
  for (const name of Object.keys(required)) {
    if (!Object.hasOwn(value, name)) problems.add(pointer, `missing required field: ${name}`);
  }
  for (const [name, field] of Object.entries(value)) {
    const check = Object.hasOwn(required, name) ? required[name] : Object.hasOwn(optional, name) ? optional[name] : null;
    if (check) check(field, `${pointer}/${name}`, problems);
    else problems.add(pointer, `invalid additional property: ${name}`);
  }
};

/** An object whose `type` names the checker that it must pass. */
export const typed = (table) => (value, pointer, problems) => {
  if (!isObject(value)) return problems.add(pointer, 'must provide an object');
  if (!Object.hasOwn(value, 'type')) return problems.add(pointer, 'missing required field: type');
  if (typeof value.type !== 'string') return problems.add(`${pointer}/type`, 'must provide a string');
  if (!Object.hasOwn(table, value.type)) return problems.add(`${pointer}/type`, `unsupported type: ${value.type}`);
  table[value.type](value, pointer, problems);
};

/** Wraps a checker whose failure Slack reports on the whole as well as on the part. */
export const anySchema = (check) => (value, pointer, problems) => {
  const inner = new Problems();
  check(value, pointer, inner);
  if (inner.list.length === 0) return;
  problems.add(pointer, 'failed to match all allowed schemas');
  problems.list.push(...inner.list);
};

/** Both checkers. */
export const all = (...checks) => (value, pointer, problems) => {
  for (const check of checks) check(value, pointer, problems);
};

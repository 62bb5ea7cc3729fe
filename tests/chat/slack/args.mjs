// Reads the arguments of a Web API call from query, form or JSON, and says what Slack says about the content type.
// Knows nothing of methods beyond the one flag whether JSON is read.

const JSON_TYPE = 'application/json';
const FORM_TYPE = 'application/x-www-form-urlencoded';
const MULTIPART = 'multipart/form-data';

/** What was sent, or an error code: `{args, warnings}` or `{error}`. */
export async function readArgs({ method, query, contentType, body, takesJson }) {
  if (method === 'GET') return { args: Object.fromEntries(query), warnings: [] };
  if (!contentType) return body.length === 0 ? { args: {}, warnings: [] } : { error: 'missing_post_type', warnings: [] };
  const [type, ...parameters] = contentType.split(';').map((part) => part.trim().toLowerCase());
  const charset = parameters.find((parameter) => parameter.startsWith('charset='))?.slice(8).replaceAll('"', '');
  if (charset && !['utf-8', 'iso-8859-1'].includes(charset)) return { error: 'invalid_charset', warnings: [] };
  if (type === JSON_TYPE) {
    const warnings = charset ? [] : ['missing_charset'];
    return { ...readJsonArgs(body, takesJson), warnings };
  }
  if (type === FORM_TYPE) {
    const warnings = charset ? ['superfluous_charset'] : [];
    return { ...readForm(body), warnings };
  }
  if (type === MULTIPART) return { ...(await readMultipart(body, contentType)), warnings: [] };
  return { error: 'invalid_post_type', warnings: [] };
}

function readJsonArgs(body, takesJson) {
  if (!takesJson) return { args: {} };
  let value;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    return { error: 'invalid_json' };
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return { error: 'json_not_object' };
  return { args: value, json: true };
}

function readForm(body) {
  const text = body.toString('latin1');
  const looksLikeJson = /^\s*[{[]/.test(text);
  const badEscape = /%(?![0-9A-Fa-f]{2})/.test(text);
  if (looksLikeJson || badEscape) return { error: 'invalid_form_data' };
  return { args: Object.fromEntries(new URLSearchParams(body.toString('utf8'))) };
}

async function readMultipart(body, contentType) {
  try {
    const form = await new Response(body, { headers: { 'content-type': contentType } }).formData();
    return { args: Object.fromEntries([...form].filter(([, value]) => typeof value === 'string')) };
  } catch {
    return { error: 'invalid_form_data' };
  }
}

/** An argument that is a structure: given as such in JSON, or as a string of JSON. Returns undefined when it is absent. */
export function structured(value) {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return UNREADABLE;
  }
}

/** Stands for a string that was to be JSON and is not. */
export const UNREADABLE = Symbol('unreadable');

// Calls the stand-in as an app (Web API) and as a test (control routes).

/** A client of one running stand-in. */
export function clientOf({ url, workspace }) {
  const call = async (method, args = {}, { token = workspace.botToken, type = 'application/json; charset=utf-8', verb = 'POST', body } = {}) => {
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(verb === 'POST' && type && { 'content-type': type }) };
    const form = new URLSearchParams(args);
    const text = type?.startsWith('application/json') ? JSON.stringify(args) : form.toString();
    const target = verb === 'GET' ? `${url}/api/${method}?${form}` : `${url}/api/${method}`;
    const answer = await fetch(target, { method: verb, headers, ...(verb === 'POST' && { body: body ?? text }) });
    return { status: answer.status, headers: answer.headers, ...(await answer.json()) };
  };
  const control = async (verb, path, body) => {
    const answer = await fetch(`${url}/_standin/${path}`, { method: verb, ...(body && { body: JSON.stringify(body) }) });
    return { http: answer.status, ...(await answer.json()) };
  };
  return {
    call,
    get: (path) => control('GET', path),
    post: (path, body = {}) => control('POST', path, body),
    remove: (path) => control('DELETE', path),
  };
}

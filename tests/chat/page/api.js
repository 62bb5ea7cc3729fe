// Talks to the stand-in's control routes.

/** GET a control route. */
export async function get(path, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value);
  const answer = await fetch(`/_standin/${path}?${new URLSearchParams(given)}`);
  return answer.json();
}

/** POST a control route. */
export async function post(path, body) {
  const answer = await fetch(`/_standin/${path}`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });
  return answer.json();
}

/** Calls back with every change until the returned function is called. */
export function watch(onChange) {
  const source = new EventSource('/_standin/events');
  source.onmessage = (event) => onChange(JSON.parse(event.data));
  source.onopen = () => onChange({ kind: 'all' });
  return () => source.close();
}

// views.open and views.update.
import { structured, UNREADABLE } from '../args.mjs';
import { normalise } from '../blocks/normalise.mjs';
import { viewProblems, VIEW_BYTES } from '../blocks/view.mjs';
import { newId } from '../workspace.mjs';
import { Failure, invalidArguments, required } from './failure.mjs';

/** The view of a call, checked. */
export function readView(args) {
  const view = structured(required(args, 'view'));
  if (view === UNREADABLE) throw invalidArguments('must provide an object [json-pointer:/view]');
  if (Buffer.byteLength(JSON.stringify(view)) > VIEW_BYTES) throw new Failure('view_too_large');
  const problems = viewProblems(view);
  if (problems.length > 0) throw invalidArguments(...problems);
  return view;
}

/** Takes the trigger of a call, once and in time. */
function exchange(workspace, args) {
  const id = required(args, 'trigger_id');
  if (typeof id !== 'string' || !/^\d+\.\d+\.[0-9a-f]+$/.test(id)) {
    throw invalidArguments('invalid `trigger_id` [json-pointer:/trigger_id]');
  }
  const trigger = workspace.triggers.get(id);
  if (!trigger) throw new Failure('invalid_trigger_id');
  if (trigger.used) throw new Failure('exchanged_trigger_id');
  if (workspace.now() - trigger.made > workspace.config.trigger_ttl_ms) throw new Failure('expired_trigger_id');
  trigger.used = true;
  return trigger;
}

function stored(workspace, view, { id, root }) {
  return {
    id,
    team_id: workspace.team.id,
    type: view.type,
    blocks: normalise(view.blocks),
    private_metadata: view.private_metadata ?? '',
    callback_id: view.callback_id ?? '',
    state: { values: {} },
    hash: `${Math.floor(workspace.now() / 1000)}.${newId('').toLowerCase()}`,
    title: { emoji: true, ...view.title },
    clear_on_close: view.clear_on_close ?? false,
    notify_on_close: view.notify_on_close ?? false,
    close: view.close ? { emoji: true, ...view.close } : null,
    submit: view.submit ? { emoji: true, ...view.submit } : null,
    previous_view_id: null,
    root_view_id: root ?? id,
    app_id: workspace.app.id,
    external_id: view.external_id ?? '',
    app_installed_team_id: workspace.team.id,
    bot_id: workspace.app.bot_id,
  };
}

/** views.open */
export function open(workspace, args) {
  const view = readView(args);
  const trigger = exchange(workspace, args);
  const id = newId('V');
  const record = { view: stored(workspace, view, { id }), user: trigger.user, origin: trigger.origin, open: true, errors: {}, failure: null };
  workspace.views.set(id, record);
  workspace.viewChanged(id);
  return { view: record.view };
}

/** Writes a new view over one that is open. */
export function replaceView(workspace, record, view) {
  record.view = stored(workspace, view, { id: record.view.id, root: record.view.root_view_id });
  record.errors = {};
  record.failure = null;
  workspace.viewChanged(record.view.id);
}

/** views.update */
export function update(workspace, args) {
  if (!args.view_id && !args.external_id) throw invalidArguments('missing required field: view_id');
  const view = readView(args);
  const record = [...workspace.views.values()].find((candidate) =>
    args.view_id ? candidate.view.id === args.view_id : candidate.view.external_id === args.external_id,
  );
  if (!record || !record.open) throw new Failure('not_found');
  if (args.hash && args.hash !== record.view.hash) throw new Failure('hash_conflict');
  replaceView(workspace, record, view);
  return { view: record.view };
}

// Modal views: what views.open and views.update accept.
import { bool, object, Problems, string, typed } from './check.mjs';
import { blockList } from './blocks.mjs';
import { plainText } from './objects.mjs';

/** The most bytes of JSON that a view may have. */
export const VIEW_BYTES = 250_000;

const modal = object(
  { type: string(), title: plainText(24), blocks: blockList(100) },
  {
    submit: plainText(24),
    close: plainText(24),
    private_metadata: string({ max: 3000 }),
    callback_id: string({ max: 255 }),
    external_id: string({ max: 255 }),
    clear_on_close: bool,
    notify_on_close: bool,
  },
);

/** What is wrong with a modal view, as Slack words it; empty when nothing is. */
export function viewProblems(view) {
  const problems = new Problems();
  typed({ modal })(view, '/view', problems);
  const hasInput = Array.isArray(view?.blocks) && view.blocks.some((block) => block?.type === 'input');
  if (hasInput && !Object.hasOwn(view, 'submit')) problems.add('/view', 'missing required field: submit');
  return problems.texts();
}

// A modal that the app opened: its blocks, its inputs, submit and close.
import { useState } from 'react';
import { Message } from 'slack-blocks-to-jsx';
import { post } from './api.js';
import { Dialog } from './confirm.jsx';
import { WarningIcon } from './icons.jsx';

function Field({ block, value, onChange, error }) {
  const { element, label, hint, optional } = block;
  const attributes = {
    id: `${block.block_id} ${element.action_id}`,
    'data-block-id': block.block_id,
    'data-action-id': element.action_id,
    value,
    placeholder: element.placeholder?.text ?? '',
    maxLength: element.max_length ?? 3000,
    onChange: (event) => onChange(event.target.value),
  };
  return (
    <div className={`field ${error ? 'wrong' : ''}`}>
      <label htmlFor={attributes.id}>{label.text}{optional && <span className="optional"> (optional)</span>}</label>
      {element.type === 'plain_text_input' && (element.multiline ? <textarea rows={4} {...attributes} /> : <input type="text" {...attributes} />)}
      {element.type !== 'plain_text_input' && <p className="hint">The page does not draw {element.type}.</p>}
      {error && <p className="error" role="alert">{error}</p>}
      {hint && <p className="hint">{hint.text}</p>}
    </div>
  );
}

const starts = (view) => {
  const inputs = view.blocks.filter((block) => block.type === 'input');
  return Object.fromEntries(inputs.map((block) => [block.block_id, block.element.initial_value ?? '']));
};

export function Modal({ record, user, onDone }) {
  const { view, errors, failure } = record;
  const [texts, setTexts] = useState(() => starts(view));
  const [busy, setBusy] = useState(false);

  const close = async () => {
    await post('close', { view_id: view.id, user: user.id });
    onDone();
  };
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    const inputs = view.blocks.filter((block) => block.type === 'input');
    const values = Object.fromEntries(inputs.map(({ block_id, element }) => [block_id, { [element.action_id]: texts[block_id] }]));
    await post('submit', { view_id: view.id, user: user.id, values });
    setBusy(false);
    onDone();
  };

  return (
    <Dialog className="modal" onClose={close} data-view-id={view.id} data-view-hash={view.hash}>
      <form onSubmit={submit}>
        <header>
          <h2>{view.title.text}</h2>
          <button type="button" className="x" aria-label="Close" onClick={close}>✕</button>
        </header>
        <div className="scroll">
          {failure && <p className="failed"><WarningIcon /> {failure}</p>}
          {view.blocks.map((block) =>
            block.type === 'input' ? (
              <Field
                key={block.block_id}
                block={block}
                value={texts[block.block_id]}
                error={errors[block.block_id]}
                onChange={(text) => setTexts((before) => ({ ...before, [block.block_id]: text }))}
              />
            ) : (
              <Message key={block.block_id} blocks={[block]} name="" logo="" theme="light" withoutWrapper />
            ),
          )}
        </div>
        <footer>
          <button type="button" data-view-close="" onClick={close}>{view.close?.text ?? 'Cancel'}</button>
          {view.submit && <button type="submit" data-view-submit="" className="primary" disabled={busy}>{view.submit.text}</button>}
        </footer>
      </form>
    </Dialog>
  );
}

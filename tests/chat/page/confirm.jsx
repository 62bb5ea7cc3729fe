// The dialog that asks again before a button's press is sent.
import { useEffect, useRef } from 'react';

/** Shows a dialog above the page as long as it is rendered. */
export function Dialog({ children, onClose, ...attributes }) {
  const dialog = useRef(null);
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  const cancel = (event) => {
    event.preventDefault();
    onClose();
  };
  return (
    <dialog ref={dialog} onCancel={cancel} {...attributes}>
      {children}
    </dialog>
  );
}

export function Confirm({ confirm, onYes, onNo }) {
  return (
    <Dialog className="confirm" onClose={onNo} data-confirm="">
      <h2>{confirm.title.text}</h2>
      <p>{confirm.text.text}</p>
      <footer>
        <button type="button" data-confirm-no="" onClick={onNo}>{confirm.deny.text}</button>
        <button type="button" data-confirm-yes="" className={confirm.style === 'danger' ? 'danger' : 'primary'} onClick={onYes}>{confirm.confirm.text}</button>
      </footer>
    </Dialog>
  );
}

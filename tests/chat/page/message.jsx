// One message: who, when, its blocks as slack-blocks-to-jsx draws them, and buttons that really send an interaction.
import { useEffect, useRef, useState } from 'react';
import { Message } from 'slack-blocks-to-jsx';
import { post } from './api.js';
import { Confirm } from './confirm.jsx';
import { EyeIcon, WarningIcon } from './icons.jsx';
import { Avatar } from './sidebar.jsx';

const BUTTON = 'button.slack_blocks_to_jsx__button_element';
const BLOCK = '.slack_blocks_to_jsx__actions, .slack_blocks_to_jsx__section';
const REASONS = { timeout: 'the app took longer than 3 seconds', network: 'the app could not be reached' };

/** The element that a drawn button stands for, and its block. */
function elementOf(button, blocks) {
  const blockId = button.closest(BLOCK)?.id;
  const block = blocks.find((candidate) => candidate.block_id === blockId);
  const elements = block?.type === 'actions' ? block.elements : [block?.accessory];
  const element = elements.find((candidate) => candidate?.action_id === button.id);
  return element ? { block, element } : null;
}

const clock = (ts) => new Date(Number(ts) * 1000).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });

/** Blocks with the workspace's names for mentions. */
export function Blocks({ workspace, blocks }) {
  const users = workspace.users.map(({ id, real_name }) => ({ id, name: real_name }));
  return <Message blocks={blocks} name="" logo="" theme="light" withoutWrapper data={{ users, channels: workspace.channels }} />;
}

export function MessageView({ workspace, channel, user, message }) {
  const [busy, setBusy] = useState(null);
  const [asking, setAsking] = useState(null);
  const [sent, setSent] = useState({});
  const body = useRef(null);
  const author = workspace.users.find((candidate) => candidate.id === message.user);
  const failure = message.failures.findLast((candidate) => candidate.user === user?.id && candidate.shown);
  const ephemeral = Boolean(message.ephemeral_to);

  useEffect(() => {
    for (const button of body.current.querySelectorAll(BUTTON)) {
      button.dataset.actionId = button.id;
      button.disabled = busy !== null;
      button.classList.toggle('waiting', busy === button.id);
    }
  });

  const press = async ({ block, element }) => {
    setAsking(null);
    if (element.url) window.open(element.url, '_blank', 'noopener');
    setBusy(element.action_id);
    const result = await post('click', { channel, ts: message.ts, action_id: element.action_id, block_id: block.block_id, user: user.id });
    setBusy(null);
    setSent({ ms: result.ms, status: result.status, failed: result.failed ?? result.error ?? '', count: (sent.count ?? 0) + 1 });
  };

  // The library's own handler would open its confirm dialog: catch the click before it.
  const onClickCapture = (event) => {
    const button = event.target.closest(BUTTON);
    if (!button) return;
    event.preventDefault();
    event.stopPropagation();
    const found = elementOf(button, message.blocks);
    if (!found || !user || busy) return;
    if (found.element.confirm) setAsking(found);
    else press(found);
  };

  return (
    <article
      className={`message ${ephemeral ? 'ephemeral' : ''}`}
      data-ts={message.ts}
      data-request={message.metadata?.event_payload?.request_id ?? ''}
      data-updates={message.updates}
      data-ephemeral={ephemeral}
      data-origin={message.origin ?? ''}
      data-clicks={sent.count ?? 0}
      data-click-ms={sent.ms ?? ''}
      data-click-failed={sent.failed ?? ''}
    >
      <Avatar user={author} />
      <div className="content">
        {ephemeral && <p className="only-you"><EyeIcon /> Only visible to you</p>}
        <p className="head">
          <strong>{author?.real_name ?? message.user}</strong>
          {author?.is_bot && <span className="app">APP</span>}
          <time>{clock(message.ts)}</time>
        </p>
        <div className="body" ref={body} onClickCapture={onClickCapture}>
          {message.blocks.length > 0 ? <Blocks workspace={workspace} blocks={message.blocks} /> : <p className="plain">{message.text}</p>}
        </div>
        {message.edited && <p className="edited">(edited)</p>}
        {failure && <p className="failed"><WarningIcon /> That did not work: {REASONS[failure.reason] ?? `the app answered ${failure.reason.replace('http_', '')}`}.</p>}
      </div>
      {asking && <Confirm confirm={asking.element.confirm} onYes={() => press(asking)} onNo={() => setAsking(null)} />}
    </article>
  );
}

// The channel page: channels at the left, the messages of one at the right, and somebody to act as.
import { useCallback, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'slack-blocks-to-jsx/dist/style.css';
import './style.css';
import { get, watch } from './api.js';
import { Conversation } from './conversation.jsx';
import { Modal } from './modal.jsx';
import { Sidebar } from './sidebar.jsx';

const query = new URLSearchParams(window.location.search);

function App() {
  const [workspace, setWorkspace] = useState(null);
  const [channel, setChannel] = useState(query.get('channel') ?? 'C0APPROVALS');
  const [actor, setActor] = useState(query.get('as') ?? 'alice');
  const [messages, setMessages] = useState([]);
  const [ephemerals, setEphemerals] = useState([]);
  const [views, setViews] = useState([]);
  const shown = useRef({});
  const user = workspace?.users.find((candidate) => candidate.name === actor || candidate.id === actor);
  shown.current = { channel, user: user?.id };

  const loadWorkspace = useCallback(async () => setWorkspace(await get('workspace')), []);
  const loadChannel = useCallback(async () => {
    const of = { ...shown.current };
    const [{ messages: all }, { ephemerals: own }] = await Promise.all([
      get('messages', { channel: of.channel }),
      get('ephemerals', { channel: of.channel, user: of.user ?? 'nobody' }),
    ]);
    if (of.channel !== shown.current.channel || of.user !== shown.current.user) return;
    setMessages(all);
    setEphemerals(own);
  }, []);
  const loadViews = useCallback(async () => {
    const of = shown.current.user ?? 'nobody';
    const { views: all } = await get('views', { user: of });
    if (of === shown.current.user) setViews(all.filter((record) => record.open));
  }, []);

  useEffect(() => {
    loadWorkspace();
    let timer = null;
    const soon = () => {
      timer ??= setTimeout(() => {
        timer = null;
        loadWorkspace();
      }, 300);
    };
    return watch((change) => {
      if (change.kind !== 'view') soon();
      if (change.kind === 'all' || change.channel === shown.current.channel) loadChannel();
      if (change.kind !== 'channel') loadViews();
    });
  }, []);

  useEffect(() => {
    loadChannel();
    loadViews();
    const address = new URL(window.location.href);
    address.searchParams.set('channel', channel);
    address.searchParams.set('as', actor);
    window.history.replaceState(null, '', address);
  }, [channel, actor, user?.id]);

  if (!workspace) return <p className="loading">Loading…</p>;
  // A modal belongs to the card whose button opened it; another channel's does not cover this one.
  const top = views.filter((record) => record.origin.channel === channel).at(-1);
  return (
    <div className="page" data-user={user?.id} data-channel={channel}>
      <Sidebar workspace={workspace} channel={channel} onChannel={setChannel} user={user} onUser={setActor} />
      <Conversation workspace={workspace} channel={channel} user={user} messages={messages} ephemerals={ephemerals} wanted={query.get('request')} />
      {top && <Modal key={`${top.view.id} ${top.view.hash}`} record={top} user={user} onDone={loadViews} />}
    </div>
  );
}

createRoot(document.getElementById('root')).render(<App />);

// The right side: the newest messages of one channel, with the ephemeral ones that the acting user may see.
import { useEffect, useRef, useState } from 'react';
import { MessageView } from './message.jsx';

const NEWEST = 60;

export function Conversation({ workspace, channel, user, messages, ephemerals, wanted }) {
  const [all, setAll] = useState(false);
  const end = useRef(null);
  const { name, is_member, is_ext_shared } = workspace.channels.find((candidate) => candidate.id === channel) ?? {};
  const recent = all ? messages : messages.filter((message, index) => index >= messages.length - NEWEST || message.request_id === wanted);
  const hidden = messages.length - recent.length;
  const flow = [...recent, ...ephemerals].sort((a, b) => (a.ts < b.ts ? -1 : 1));

  useEffect(() => {
    end.current?.scrollIntoView({ block: 'end' });
  }, [channel, flow.length]);

  return (
    <main className="conversation">
      <header className="title">
        <h1><span className="hash">#</span> {name ?? channel}</h1>
        <span className="about">
          {channel}
          {is_ext_shared && ' · shared with another workspace'}
          {is_member === false && ' · the app is not in this channel'}
        </span>
      </header>
      <section className="messages" aria-live="polite">
        {hidden > 0 && <button type="button" className="older" onClick={() => setAll(true)}>Show {hidden} older messages</button>}
        {flow.length === 0 && <p className="empty">No messages here yet. What the app posts appears at once.</p>}
        {flow.map((message) => (
          <MessageView key={message.ts} workspace={workspace} channel={channel} user={user} message={message} />
        ))}
        <div ref={end} />
      </section>
      <footer className="composer" aria-hidden="true">Only the app posts here. Press its buttons as {user?.real_name ?? 'somebody'}.</footer>
    </main>
  );
}

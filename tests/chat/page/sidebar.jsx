// The left side: the workspace, its channels, and the picker of who presses the buttons.

/** A square with the initials of a user. */
export function Avatar({ user, size = 36 }) {
  const initials = (user?.real_name ?? '?').split(' ').map((word) => word[0]).join('').slice(0, 2);
  const style = { width: size, height: size, background: `#${user?.color ?? '777777'}`, fontSize: size * 0.4 };
  return <span className="avatar" style={style} aria-hidden="true">{initials}</span>;
}

function note(user, team) {
  if (user.deleted) return ' (deleted)';
  if (user.team_id !== team.id) return ' (other workspace)';
  if (user.is_restricted) return ' (guest)';
  if (user.is_bot) return ' (bot)';
  return '';
}

export function Sidebar({ workspace, channel, onChannel, user, onUser }) {
  const { team, users, channels } = workspace;
  const people = users.filter((candidate) => !candidate.is_own_bot);
  return (
    <nav className="sidebar">
      <header className="workspace">
        <strong>{team.name}</strong>
        <span>local stand-in</span>
      </header>
      <h2>Channels</h2>
      <ul className="channels">
        {channels.map(({ id, name, count, is_member }) => (
          <li key={id}>
            <button type="button" data-channel-id={id} className={id === channel ? 'chosen' : ''} onClick={() => onChannel(id)}>
              <span className="hash">#</span>
              <span className="name">{name}</span>
              {!is_member && <span className="badge quiet">no app</span>}
              {is_member && count > 0 && <span className="badge">{count}</span>}
            </button>
          </li>
        ))}
      </ul>
      <label className="actor">
        <span>Acting as</span>
        <span className="choice">
          <Avatar user={user} size={28} />
          <select id="as" value={user?.name ?? ''} onChange={(event) => onUser(event.target.value)}>
            {!user && <option value="">choose…</option>}
            {people.map((candidate) => (
              <option key={candidate.id} value={candidate.name}>{candidate.real_name + note(candidate, team)}</option>
            ))}
          </select>
        </span>
      </label>
    </nav>
  );
}

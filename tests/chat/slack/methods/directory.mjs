// Who and what there is: auth.test, users.info, conversations.info, usergroups.users.list.
import { emailOf } from '../fixtures.mjs';
import { Failure, required } from './failure.mjs';

/** auth.test */
export function authTest(workspace) {
  const { team, app } = workspace;
  const bot = workspace.users.get(app.bot_user);
  return {
    url: `https://${team.domain}.slack.com/`,
    team: team.name,
    user: bot.name,
    team_id: team.id,
    user_id: app.bot_user,
    bot_id: app.bot_id,
    is_enterprise_install: false,
  };
}

/** A user as users.info shows it. */
export function publicUser(user, withEmail) {
  const profile = {
    real_name: user.real_name,
    display_name: user.name,
    real_name_normalized: user.real_name,
    team: user.team_id,
    ...(withEmail && !user.is_bot && { email: emailOf(user.name) }),
  };
  const shown = { id: user.id, team_id: user.team_id, name: user.name, deleted: Boolean(user.deleted), profile, updated: 1700000000 };
  // A deleted user has none of the flags below.
  if (user.deleted) return { ...shown, is_bot: false, is_app_user: false };
  return {
    ...shown,
    color: user.color,
    real_name: user.real_name,
    tz: 'Europe/London',
    tz_label: 'Greenwich Mean Time',
    tz_offset: 0,
    is_admin: false,
    is_owner: false,
    is_primary_owner: false,
    is_restricted: Boolean(user.is_restricted),
    is_ultra_restricted: Boolean(user.is_ultra_restricted),
    is_bot: Boolean(user.is_bot),
    is_app_user: false,
    is_email_confirmed: true,
    // Present only for people of other workspaces.
    ...(user.is_stranger && { is_stranger: true }),
  };
}

/** users.info */
export function usersInfo(workspace, args, { scopes }) {
  // A call without `user` (or with a JSON body, which is not read) is answered so too.
  const user = workspace.users.get(args.user);
  if (!user) throw new Failure('user_not_found');
  return { user: publicUser(user, scopes.includes('users:read.email')) };
}

/** conversations.info */
export function conversationsInfo(workspace, args) {
  const channel = workspace.channel(required(args, 'channel'));
  if (!channel || (channel.is_private && !channel.is_member)) throw new Failure('channel_not_found');
  const { id, name, created, is_member, is_archived, is_ext_shared, is_private } = channel;
  return {
    channel: {
      id,
      name,
      name_normalized: name,
      is_channel: true,
      is_group: false,
      is_im: false,
      is_mpim: false,
      is_private,
      created,
      is_archived,
      is_general: false,
      is_shared: is_ext_shared,
      is_ext_shared,
      is_org_shared: false,
      context_team_id: workspace.team.id,
      creator: 'U0ALICE',
      is_member,
    },
  };
}

/** usergroups.users.list */
export function usergroupUsers(workspace, args) {
  const group = workspace.usergroups.get(required(args, 'usergroup'));
  if (!group) throw new Failure('no_such_subteam');
  return { users: group.users };
}

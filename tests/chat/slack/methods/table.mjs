// The methods that the stand-in serves: what each needs and whether it reads JSON.
import * as chat from './chat.mjs';
import * as directory from './directory.mjs';
import * as views from './views.mjs';

/** Method name → `{run(workspace, args, {scopes}), scope, json, posts}`. */
export const METHODS = {
  'auth.test': { run: directory.authTest, scope: null, json: true },
  'chat.postMessage': { run: chat.postMessage, scope: 'chat:write', json: true, posts: true },
  'chat.update': { run: chat.update, scope: 'chat:write', json: true },
  'chat.postEphemeral': { run: chat.postEphemeral, scope: 'chat:write', json: true },
  'views.open': { run: views.open, scope: null, json: true },
  'views.update': { run: views.update, scope: null, json: true },
  'users.info': { run: directory.usersInfo, scope: 'users:read', json: false },
  'conversations.info': { run: directory.conversationsInfo, scope: 'channels:read', json: false },
  'usergroups.users.list': { run: directory.usergroupUsers, scope: 'usergroups:read', json: false },
};

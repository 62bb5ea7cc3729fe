// Starts the stand-in workspace and the sign-in provider and prints one JSON line when both are ready.
//   node main.mjs [--slack-port N] [--oidc-port N]
// SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET give the secrets; what is not given is made up and printed in the ready line.
import { parseArgs } from 'node:util';
import { startSlack } from './slack.mjs';
import { startOidc } from './oidc.mjs';

function port(text, name) {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 0 || number > 65535) throw new Error(`--${name} must be a port, 0 for a free one; not ${text}`);
  return number;
}

async function main() {
  const { values } = parseArgs({
    options: { 'slack-port': { type: 'string', default: '0' }, 'oidc-port': { type: 'string', default: '0' } },
  });
  const { SLACK_BOT_TOKEN: botToken, SLACK_SIGNING_SECRET: signingSecret } = process.env;
  const slack = await startSlack({ port: port(values['slack-port'], 'slack-port'), botToken, signingSecret });
  const oidc = await startOidc({ port: port(values['oidc-port'], 'oidc-port') });
  const { workspace } = slack;
  const ready = {
    slack_url: slack.url,
    oidc_url: oidc.url,
    slack_api_base: `${slack.url}/api`,
    team_id: workspace.team.id,
    app_id: workspace.app.id,
    ...(!botToken && { bot_token: workspace.botToken }),
    ...(!signingSecret && { signing_secret: workspace.signingSecret }),
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
  const stop = async () => {
    await Promise.all([slack.close(), oidc.close()]);
    process.exit(0);
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

main().catch((error) => {
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
});

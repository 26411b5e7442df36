import { Command } from 'commander'
import { secondsIn, timeUntil } from '../duration.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'

export function extendCommand(run: Runner): Command {
  return new Command('extend')
    .summary('lets it live so long from now')
    .description('Lets a workspace live so long, counted from now, whatever was set before.')
    .argument('<name>', 'name, or the beginning of its id')
    .argument('<time>', '90s, 15m, 2h, 1d12h, or never')
    .action(
      run(async (session, [name = '', time = '']) => {
        const { client, out, json } = session
        const seconds = time === 'never' ? null : secondsIn(time)
        const found = await findWorkspace(session, name)
        const now = await client.amend(found.id, { ttl_seconds: seconds })
        if (json) out.json(now)
        else if (now.expires_at === undefined) out.say(`${now.name} never expires.`)
        else out.say(`${now.name} expires ${timeUntil(now.expires_at, Date.now() - 999)}, at ${now.expires_at}.`)
      }),
    )
}

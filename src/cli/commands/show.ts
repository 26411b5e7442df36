import { Command } from 'commander'
import type { Workspace } from '../../client/client.ts'
import { shortTime, timeUntil } from '../duration.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'
import { shownState, styleOf } from './ls.ts'

export function showCommand(run: Runner): Command {
  return new Command('show')
    .summary('all about one')
    .description('Shows all that is known about a workspace.')
    .argument('<name>', 'name, or the beginning of its id')
    .action(
      run(async (session, [name = '']) => {
        const found = await findWorkspace(session, name)
        if (session.json) session.out.json(found)
        else show(session, found)
      }),
    )
}

function show({ out }: Session, one: Workspace): void {
  const now = Date.now()
  const ago = (iso: string) => `${iso} (${shortTime(now - Date.parse(iso))} ago)`
  const link = one.connection_info
  const lines: (readonly [string, string | undefined])[] = [
    ['name', out.paint('bold', one.name)],
    ['id', one.id],
    ['owner', one.owner],
    ['status', out.paint(styleOf(one), shownState(one))],
    ['message', one.error_message],
    ['progress', one.progress],
    ['template', one.template],
    ['provider', one.provider],
    ['created', ago(one.created_at)],
    ['changed', ago(one.updated_at)],
    ['expires', one.expires_at === undefined ? 'never' : `${one.expires_at} (${timeUntil(one.expires_at, now)})`],
    ['shell', link?.ssh_command],
    ['container', link?.container_id],
    ['process', link?.pid?.toString()],
    ['directory', link?.directory],
    ...Object.entries(link?.ports ?? {}).map(([port, host]) => ['port', `${port} is 127.0.0.1:${host}`] as const),
    ['takes', one.can.join(', ')],
    ['metadata', one.metadata === undefined ? undefined : JSON.stringify(one.metadata)],
  ]
  for (const [title, value] of lines)
    if (value !== undefined)
      out.say(out.columns === null ? `${title}\t${value}` : `${out.paint('dim', title.padEnd(10))} ${value}`)
}

import { Command, Option } from 'commander'
import type { ListFilter, Workspace } from '../../client/client.ts'
import { shortTime, timeUntil } from '../duration.ts'
import type { Style } from '../output.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'
import { table } from '../table.ts'

export function lsCommand(run: Runner): Command {
  return new Command('ls')
    .alias('list')
    .summary('your workspaces')
    .description(
      'Lists your workspaces, newest first. Piped, each line has, between tabs: name, id, status, state, template, owner, time of creation, time of expiry, message.',
    )
    .addOption(
      new Option('--status <status>', 'only these').choices(['creating', 'running', 'stopped', 'failed', 'deleting']),
    )
    .option('--template <name>', 'only those made from it')
    .option('--owner <name>', "somebody else's, * for everybody's (operators)")
    .action(
      run(async (session, _operands, { status, template, owner }) => {
        const filter = Object.fromEntries(
          Object.entries({ status, template, owner }).filter(([, value]) => value !== undefined),
        ) as ListFilter
        const all: Workspace[] = []
        for await (const page of session.client.list(filter)) all.push(...page)
        if (session.json) session.out.json(all)
        else show(session, all, owner !== undefined)
      }),
    )
}

function show({ out }: Session, all: readonly Workspace[], withOwner: boolean): void {
  if (out.columns === null) {
    for (const line of table([], all.map(facts), null)) out.say(line)
    return
  }
  if (all.length === 0) {
    out.note('You have no workspaces. `vm create NAME` makes one.')
    return
  }
  const now = Date.now()
  const columns = [
    { title: 'NAME', gives: true },
    { title: 'ID' },
    ...(withOwner ? [{ title: 'OWNER' }] : []),
    { title: 'STATUS' },
    { title: 'TEMPLATE' },
    { title: 'AGE' },
    { title: 'EXPIRES' },
    { title: 'MESSAGE', gives: true },
  ]
  const status = columns.findIndex(({ title }) => title === 'STATUS')
  const rows = all.map((one) => [
    one.name,
    one.id.slice(0, 8),
    ...(withOwner ? [one.owner] : []),
    shownState(one),
    one.template,
    shortTime(now - Date.parse(one.created_at)).split(' ')[0] ?? '',
    timeUntil(one.expires_at, now),
    one.error_message ?? one.progress ?? '',
  ])
  // What gives way first is the message.
  const lines = table(columns, rows, out.columns, (field, column, row) => {
    const one = all[row]
    if (!one) return out.paint('dim', field)
    return column === status ? out.paint(styleOf(one), field) : field
  })
  for (const line of lines) out.say(line)
}

const facts = (one: Workspace) => [
  one.name,
  one.id,
  one.status,
  one.state,
  one.template,
  one.owner,
  one.created_at,
  one.expires_at ?? '',
  one.error_message ?? one.progress ?? '',
]

/** The status, or more exactly what is under way. */
export function shownState({ state, status }: Workspace): string {
  return state === 'running.up' || state === 'stopped.idle' ? status : state
}

export function styleOf({ state }: Workspace): Style {
  if (state === 'failed') return 'red'
  if (state === 'running.up') return 'green'
  return state === 'stopped.idle' ? 'dim' : 'yellow'
}

import { Command } from 'commander'
import { findWorkspace } from '../find-workspace.ts'
import { placeInHistory } from '../follow-states.ts'
import type { Runner } from '../runner.ts'
import type { Session } from '../session.ts'
import { brought } from './create.ts'

const about = {
  start: [
    'runs a stopped one again',
    'Starts a stopped workspace, or tries a failed one again, and waits until it runs.',
  ],
  stop: ['its files stay', 'Stops a workspace and what runs in it, and waits until it has stopped. Its files stay.'],
  restart: ['stops and starts it', 'Stops a workspace and what runs in it, starts it again, and waits until it runs.'],
} as const

export function lifecycleCommand(run: Runner, type: keyof typeof about): Command {
  const [summary, description] = about[type]
  return new Command(type)
    .summary(summary)
    .description(description)
    .argument('<name...>', 'names, or beginnings of ids')
    .option('--no-wait', 'only begin it')
    .action(
      run(async (session, names, { wait }) => {
        let worst = 0
        for (const name of names) worst = Math.max(worst, await one(session, type, name, wait !== false))
        return worst
      }),
    )
}

async function one(session: Session, type: keyof typeof about, wanted: string, waits: boolean): Promise<number> {
  const { client, out, json } = session
  const { id, name } = await findWorkspace(session, wanted)
  const place = await placeInHistory(session, id)
  const begun = await client[type](id)
  if (waits) return (await brought(session, begun, place, type === 'stop' ? 'stopped' : 'running')) ?? 0
  if (json) out.json(begun)
  else out.say(`${name} is in ${begun.state}. \`vm show ${name}\` says how far it is.`)
  return 0
}

import { Command } from 'commander'
import type { CreateWorkspace, Workspace } from '../../client/client.ts'
import { CliError, usageError } from '../cli-error.ts'
import { secondsIn } from '../duration.ts'
import { followStates } from '../follow-states.ts'
import type { Runner } from '../runner.ts'
import type { Done, Session } from '../session.ts'

export function createCommand(run: Runner): Command {
  return new Command('create')
    .summary('a new one; shows the states it passes')
    .description(
      'Creates a workspace. On a terminal it shows the states that it passes until it runs; Ctrl-C leaves it being created. In a script add --wait.',
    )
    .argument('<name>', 'letters, digits, "-", "_" and "."')
    .option('--template <name>', 'what it is made from; `vm templates` lists them')
    .option('--ttl <time>', 'deleted after so long: 90s, 15m, 2h, 1d12h (never)')
    .option('--metadata <json>', 'anything of yours to keep with it, an object')
    .option('--wait', 'until it runs; fails if it does not')
    .option('--no-wait', 'do not, on a terminal neither')
    .action(
      run(async (session, [name = ''], { template, ttl, metadata, wait }) => {
        session.about = { name }
        const wish: CreateWorkspace = {
          name,
          ...(typeof template === 'string' && { template }),
          ...(typeof ttl === 'string' && { ttl_seconds: secondsIn(ttl) }),
          ...(typeof metadata === 'string' && { metadata: objectIn(metadata) }),
        }
        const made = await session.client.create(wish)
        const follows = typeof wait === 'boolean' ? wait : session.out.isWatched && !session.json
        if (follows) return brought(session, made, 0)
        if (session.json) session.out.json(made)
        else session.out.say(`${name} is being created. \`vm show ${name}\` says how far it is.`)
      }),
    )
}

/** Waits for what was begun, and says what came of it. `running` is what was meant, unless `wanted` says otherwise. */
export async function brought(
  session: Session,
  begun: Workspace,
  after: number,
  wanted: Workspace['status'] = 'running',
): Done {
  const { out, json } = session
  const now = await followStates(session, begun, after)
  if (now === 'left') return 130
  if (now === 'gone')
    throw new CliError(`${begun.name} was deleted meanwhile.`, {
      next: '`vm ls` lists your workspaces.',
      code: 'workspace-not-found',
    })
  if (json) out.json(now)
  const { name } = now
  if (now.status !== wanted) {
    const next =
      now.status === 'failed'
        ? `\`vm logs ${name}\` may say more, \`vm start ${name}\` tries again, \`vm rm ${name}\` removes it.`
        : `\`vm show ${name}\` shows it.`
    throw new CliError(`${name} is ${now.status}${now.error_message === undefined ? '.' : `: ${now.error_message}`}`, {
      next,
      code: 'not-reached',
    })
  }
  if (!json)
    out.say(now.status === 'running' ? `${name} runs. \`vm ssh ${name}\` opens a shell.` : `${name} is ${now.status}.`)
}

function objectIn(text: string): NonNullable<CreateWorkspace['metadata']> {
  const next = `Write an object: --metadata '{"team": "blue"}'.`
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return Object(value)
  } catch {
    // said below
  }
  throw usageError(`The metadata ${text} is no JSON object.`, next)
}

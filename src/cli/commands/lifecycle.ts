import { Command } from 'commander'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import { lastHistorySeq } from '../workspaces/wait-until-settled.ts'
import type { CommandRunner } from '../command-runner.ts'
import type { CommandContext } from '../command-context.ts'
import { waitAndReport } from './create.ts'

const helpTexts = {
  start: [
    'runs a stopped one again',
    'Starts a stopped workspace, or tries a failed one again, and waits until it runs.',
  ],
  stop: ['its files stay', 'Stops a workspace and what runs in it, and waits until it has stopped. Its files stay.'],
  restart: ['stops and starts it', 'Stops a workspace and what runs in it, starts it again, and waits until it runs.'],
} as const

export function lifecycleCommand(run: CommandRunner, type: keyof typeof helpTexts): Command {
  const [summary, description] = helpTexts[type]
  return new Command(type)
    .summary(summary)
    .description(description)
    .argument('<name...>', 'names, or beginnings of ids')
    .option('--no-wait', 'only begin it')
    .action(
      run(async (context, names, { wait }) => {
        let exitCode = 0
        for (const name of names)
          exitCode = Math.max(exitCode, await runLifecycleCommand(context, type, name, wait !== false))
        return exitCode
      }),
    )
}

async function runLifecycleCommand(
  context: CommandContext,
  type: keyof typeof helpTexts,
  nameOrId: string,
  shouldWait: boolean,
): Promise<number> {
  const { client, out, json } = context
  const { id, name } = await findWorkspace(context, nameOrId)
  const lastSeq = await lastHistorySeq(context, id)
  const workspace = await client[type](id)
  if (shouldWait)
    return (await waitAndReport(context, workspace, lastSeq, type === 'stop' ? 'stopped' : 'running')) ?? 0
  if (json) out.printJson(workspace)
  else out.printLine(`${name} is in ${workspace.state}. \`vm show ${name}\` says how far it is.`)
  return 0
}

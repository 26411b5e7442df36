import { Command } from 'commander'
import type { LogLine } from '../../client/client.ts'
import { decodeBytes } from '../../client/bytes.ts'
import { usageError } from '../cli-error.ts'
import { parseDurationSeconds } from '../output/duration.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CliOutput } from '../output/output.ts'
import type { CommandRunner } from '../command-runner.ts'

export function logsCommand(run: CommandRunner): Command {
  return new Command('logs')
    .summary('show the output of a workspace')
    .description(
      'Shows the output of the main process and the lifecycle commands of a workspace, stdout and stderr together. Lines of a lifecycle command start with its name.',
    )
    .argument('<name>', 'name of the workspace, or the start of its ID')
    .option('-f, --follow', 'wait for new lines')
    .option('--since <time>', 'only newer lines: 10m, 2h, or 2026-01-31T12:00:00Z')
    .option('-n, --tail <lines>', 'only the last lines, this many')
    .option('-t, --timestamps', 'show the time of each line')
    .action(
      run(async (context, [name = ''], { follow, since, tail, timestamps }) => {
        const { client, out, json } = context
        const workspace = await findWorkspace(context, name)
        const logOptions = {
          follow: follow === true,
          ...(typeof since === 'string' && { since: parseSince(since) }),
          ...(typeof tail === 'string' && { tail: parseLineCount(tail) }),
        }
        for await (const event of client.logs(workspace.id, logOptions)) {
          if (event.kind === 'disconnected') out.printStatus(`vm: ${event.reason} Reconnecting.`)
          else if (json) await out.printJsonLine(event.line)
          else await writeLogLine(out, event.line, timestamps === true)
        }
      }),
    )
}

async function writeLogLine(out: CliOutput, line: LogLine, showTimestamp: boolean): Promise<void> {
  const time = showTimestamp ? `${out.paint('dim', line.at ?? '-')} ` : ''
  const source = line.source === 'main' ? '' : `${out.paint('cyan', line.source)} | `
  // A single write keeps lines whole; bytes, since they need not be UTF-8.
  const parts = [Buffer.from(time + source), decodeBytes(line), Buffer.from(line.cut ? '' : '\n')]
  await out.writeBytes('stdout', Buffer.concat(parts))
}

function parseSince(text: string): string {
  if (/^[\dwdhms]+[wdhms]$/.test(text)) return new Date(Date.now() - 1000 * parseDurationSeconds(text)).toISOString()
  const timestamp = Date.parse(text)
  if (Number.isNaN(timestamp))
    throw usageError(`"${text}" is not a time.`, 'Write it like 10m, 2h, or 2026-01-31T12:00:00Z.')
  return new Date(timestamp).toISOString()
}

function parseLineCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw usageError(`"${text}" is not a number of lines.`, 'Write it like --tail 100.')
  return Number(text)
}

import { Command } from 'commander'
import type { LogLine } from '../../client/client.ts'
import { decodeBytes } from '../../client/encoded-bytes.ts'
import { usageError } from '../cli-error.ts'
import { parseDurationSeconds } from '../output/duration.ts'
import { findWorkspace } from '../workspaces/find-workspace.ts'
import type { CliOutput } from '../output/output.ts'
import type { CommandRunner } from '../command-runner.ts'

export function logsCommand(run: CommandRunner): Command {
  return new Command('logs')
    .summary('what it writes')
    .description(
      'Shows what the main process of a workspace and its lifecycle commands wrote, both their streams, on stdout. A line of a lifecycle command is marked with its name.',
    )
    .argument('<name>', 'name, or the beginning of its id')
    .option('-f, --follow', 'stay, and show what comes')
    .option('--since <time>', 'only what is not older: 10m, 2h, or 2026-01-31T12:00:00Z')
    .option('-n, --tail <lines>', 'only the last so many')
    .option('-t, --timestamps', 'each line with the time it was written')
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
          if (event.kind === 'disconnected') out.printStatus(`vm: ${event.reason} Trying again.`)
          else if (json) await out.printJsonLine(event.line)
          else await writeLogLine(out, event.line, timestamps === true)
        }
      }),
    )
}

async function writeLogLine(out: CliOutput, line: LogLine, showTimestamp: boolean): Promise<void> {
  const time = showTimestamp ? `${out.paint('dim', line.at ?? '-')} ` : ''
  const source = line.source === 'main' ? '' : `${out.paint('cyan', line.source)} | `
  // One write, so that lines stay whole; bytes, since they may be no text.
  const parts = [Buffer.from(time + source), decodeBytes(line), Buffer.from(line.cut ? '' : '\n')]
  await out.writeBytes('stdout', Buffer.concat(parts))
}

function parseSince(text: string): string {
  if (/^[\dwdhms]+[wdhms]$/.test(text)) return new Date(Date.now() - 1000 * parseDurationSeconds(text)).toISOString()
  const timestamp = Date.parse(text)
  if (Number.isNaN(timestamp))
    throw usageError(`"${text}" is no time.`, 'Write it as 10m, 2h, or 2026-01-31T12:00:00Z.')
  return new Date(timestamp).toISOString()
}

function parseLineCount(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw usageError(`"${text}" is no number of lines.`, 'Write it as --tail 100.')
  return Number(text)
}

import { Command } from 'commander'
import type { LogLine } from '../../client/client.ts'
import { bytesOf } from '../../client/piece.ts'
import { usageError } from '../cli-error.ts'
import { secondsIn } from '../duration.ts'
import { findWorkspace } from '../find-workspace.ts'
import type { Output } from '../output.ts'
import type { Runner } from '../runner.ts'

export function logsCommand(run: Runner): Command {
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
      run(async (session, [name = ''], { follow, since, tail, timestamps }) => {
        const { client, out, json } = session
        const found = await findWorkspace(session, name)
        const wish = {
          follow: follow === true,
          ...(typeof since === 'string' && { since: timeOf(since) }),
          ...(typeof tail === 'string' && { tail: countOf(tail) }),
        }
        for await (const event of client.logs(found.id, wish)) {
          if (event.kind === 'lost') out.note(`vm: ${event.why} Trying again.`)
          else if (json) await out.jsonLine(event.line)
          else await show(out, event.line, timestamps === true)
        }
      }),
    )
}

async function show(out: Output, line: LogLine, withTime: boolean): Promise<void> {
  const time = withTime ? `${out.paint('dim', line.at ?? '-')} ` : ''
  const source = line.source === 'main' ? '' : `${out.paint('cyan', line.source)} | `
  // One write, so that lines stay whole; bytes, since they may be no text.
  const parts = [Buffer.from(time + source), bytesOf(line), Buffer.from(line.cut ? '' : '\n')]
  await out.bytes('stdout', Buffer.concat(parts))
}

function timeOf(text: string): string {
  if (/^[\dwdhms]+[wdhms]$/.test(text)) return new Date(Date.now() - 1000 * secondsIn(text)).toISOString()
  const at = Date.parse(text)
  if (Number.isNaN(at)) throw usageError(`"${text}" is no time.`, 'Write it as 10m, 2h, or 2026-01-31T12:00:00Z.')
  return new Date(at).toISOString()
}

function countOf(text: string): number {
  if (!/^\d{1,7}$/.test(text)) throw usageError(`"${text}" is no number of lines.`, 'Write it as --tail 100.')
  return Number(text)
}

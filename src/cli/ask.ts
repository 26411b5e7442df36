import { createInterface } from 'node:readline/promises'
import { CliError } from './cli-error.ts'
import type { Session } from './session.ts'

/** Asks before something is destroyed. @throws {CliError} if nobody is there to say yes, or says no. */
export async function askFirst({ surroundings: { stdin, stderr } }: Session, question: string): Promise<void> {
  if (!stdin.isTTY || !stderr.isTTY)
    throw new CliError(`${question} Nobody is here to say yes.`, {
      next: 'Add --yes to do it without being asked.',
      code: 'not-confirmed',
    })
  const asking = createInterface({ input: stdin, output: stderr })
  const over = new AbortController()
  asking.once('SIGINT', () => over.abort())
  asking.once('close', () => over.abort())
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal: over.signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } catch {
    stderr.write('\n') // Ctrl-C, or Ctrl-D
  } finally {
    asking.close()
  }
  throw new CliError('Nothing was done.', { next: 'Answer y to do it, or add --yes.', code: 'not-confirmed' })
}

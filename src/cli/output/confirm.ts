import { createInterface } from 'node:readline/promises'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command-context.ts'

/** Asks before something is destroyed. @throws {CliError} if nobody is there to say yes, or says no. */
export async function requireConfirmation(
  { environment: { stdin, stderr } }: CommandContext,
  question: string,
): Promise<void> {
  if (!stdin.isTTY || !stderr.isTTY)
    throw new CliError(`${question} Nobody is here to say yes.`, {
      next: 'Add --yes to do it without being asked.',
      code: 'not-confirmed',
    })
  const prompt = createInterface({ input: stdin, output: stderr })
  const abortController = new AbortController()
  prompt.once('SIGINT', () => abortController.abort())
  prompt.once('close', () => abortController.abort())
  try {
    const answer = await prompt.question(`${question} [y/N] `, { signal: abortController.signal })
    if (/^y(es)?$/i.test(answer.trim())) return
  } catch {
    stderr.write('\n') // Ctrl-C, or Ctrl-D
  } finally {
    prompt.close()
  }
  throw new CliError('Nothing was done.', { next: 'Answer y to do it, or add --yes.', code: 'not-confirmed' })
}

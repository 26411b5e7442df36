import { createInterface } from 'node:readline/promises'
import { CliError } from '../cli-error.ts'
import type { CommandContext } from '../command-context.ts'

/** Asks for confirmation. @throws {CliError} if the answer is not yes, or there is no terminal to ask at. */
export async function requireConfirmation(
  { environment: { stdin, stderr } }: CommandContext,
  question: string,
): Promise<void> {
  if (!stdin.isTTY || !stderr.isTTY)
    throw new CliError('Deleting needs confirmation, and this is not a terminal.', {
      next: 'Confirm with --yes.',
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
    stderr.write('\n') // Ctrl-C or Ctrl-D
  } finally {
    prompt.close()
  }
  throw new CliError('Cancelled; nothing was deleted.', {
    next: 'Confirm with y, or with --yes.',
    code: 'not-confirmed',
  })
}

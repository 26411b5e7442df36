import type { Inside, Run } from '../../src/provider/inside.ts'
import type { RunCommand, RunEnd } from '../../src/workspace/run.ts'
import type { Subject } from '../../src/workspace/subject.ts'
import { unhurried, valueOf } from './bench.ts'

/** A command that needs nothing but its arguments. */
export function commandOf(partial: Partial<RunCommand>): RunCommand {
  return { mark: 'contract', argv: ['true'], env: {}, cwd: null, user: null, stdin: false, terminal: null, ...partial }
}

/** A command that has started. */
export async function ran(inside: Inside, subject: Subject, partial: Partial<RunCommand>): Promise<Run> {
  return valueOf(await inside.run(subject, commandOf(partial), unhurried()))
}

/** A script that the workspace's shell has started to run. */
export function shellIn(
  inside: Inside,
  subject: Subject,
  script: string,
  partial: Partial<RunCommand> = {},
): Promise<Run> {
  return ran(inside, subject, { argv: ['/bin/sh', '-c', script], ...partial })
}

/** All that a run writes from now on, and how it ended. */
export async function endOf(
  run: Run,
): Promise<{ readonly end: RunEnd; readonly stdout: Buffer; readonly stderr: Buffer }> {
  const heard: Record<'stdout' | 'stderr', Buffer[]> = { stdout: [], stderr: [] }
  for await (const { stream, bytes } of run.output) heard[stream].push(bytes)
  return { end: await run.ended, stdout: Buffer.concat(heard.stdout), stderr: Buffer.concat(heard.stderr) }
}

/** What a run writes next; `null` if that is nothing. What comes later can still be read. */
export async function nextText(run: Run): Promise<string | null> {
  const { value, done } = await run.output[Symbol.asyncIterator]().next()
  return done === true ? null : value.bytes.toString()
}

/** Reads on until what has been written says `text`. */
export async function heardUntil(run: Run, text: string): Promise<string> {
  let all = ''
  for (let next = await nextText(run); next !== null; next = await nextText(run)) {
    all += next
    if (all.includes(text)) return all
  }
  throw new Error(`it ended before it wrote ${JSON.stringify(text)}: ${JSON.stringify(all)}`)
}

/** Holds this process up, as a loop does that is loaded. */
export function busyFor(ms: number): void {
  const until = performance.now() + ms
  while (performance.now() < until);
}

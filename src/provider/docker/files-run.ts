import { randomUUID } from 'node:crypto'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { done, type Outcome } from '../../workspace/fault.ts'
import type { RunCommand, RunEnd } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Run } from '../inside.ts'

const mostStderr = 8_192
/** A script that was given up has so long to put things back. */
const giveUpMs = 5_000

/** How scripts are started in a container. */
export type Start = (subject: Subject, command: RunCommand, signal: AbortSignal) => Promise<Outcome<Run>>

/** What a script wrote, and how it ended. */
export interface Ran {
  readonly end: RunEnd
  readonly stdout: string
  readonly stderr: string
}

/** Starts `script` with arguments as the recipe's user. */
export function startScript(
  start: Start,
  subject: Subject,
  script: string,
  args: readonly string[],
  stdin: boolean,
  signal: AbortSignal,
): Promise<Outcome<Run>> {
  const argv = ['/bin/sh', '-c', script, 'sh', ...args]
  const env = { LC_ALL: 'C' }
  const command = { mark: `file-${randomUUID()}`, argv, env, cwd: '/', user: null, stdin, terminal: null }
  return start(subject, command, signal)
}

/** Runs a script that writes little to its end. It is killed when `signal` is aborted. */
export async function ranScript(
  start: Start,
  subject: Subject,
  script: string,
  args: readonly string[],
  signal: AbortSignal,
): Promise<Outcome<Ran>> {
  const started = await startScript(start, subject, script, args, false, signal)
  if (!started.ok) return started
  const run = started.value
  const giveUp = (): void => void abandon(run)
  signal.addEventListener('abort', giveUp, { once: true })
  if (signal.aborted) giveUp()
  const written = await collected(run)
  signal.removeEventListener('abort', giveUp)
  return done({ end: await run.ended, ...written })
}

/**
 * Gives a script `source` to read, and `token` last, if the source came to a good end: only then is it to believe that all has come. Answers
 * when the script has ended.
 */
export async function pouredInto(run: Run, source: Readable, token: string, signal: AbortSignal): Promise<Ran> {
  const written = collected(run)
  let over = false
  void run.ended.then(() => {
    over = true
    source.destroy()
  })
  try {
    if (run.stdin === null) throw new TypeError('a script that reads nothing was to be given something')
    await pipeline(source, run.stdin, { end: false, signal })
    run.stdin.end(token)
  } catch {
    // The source, the signal or the script itself has ended it. Whichever it was, the script says what it made of that.
    source.destroy()
    run.stdin?.destroy()
    const timer = over ? undefined : setTimeout(() => void abandon(run), giveUpMs)
    void run.ended.then(() => clearTimeout(timer))
  }
  const all = await written
  return { end: await run.ended, ...all }
}

/** Ends a script that nobody waits for, or has ended. Left first: output that nobody reads any more would hold the engine up. */
export async function abandon(run: Run): Promise<void> {
  run.leave()
  await run.signal('SIGKILL')
}

async function collected(run: Run): Promise<{ stdout: string; stderr: string }> {
  const stdout: Buffer[] = []
  let stderr = ''
  for await (const { stream, bytes } of run.output) {
    if (stream === 'stdout') stdout.push(bytes)
    else stderr = (stderr + bytes.toString()).slice(-mostStderr)
  }
  return { stdout: Buffer.concat(stdout).toString(), stderr }
}

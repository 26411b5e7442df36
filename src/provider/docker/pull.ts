import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { done, type Outcome } from '../../workspace/fault.ts'
import { type Credentials, credentialsFor } from './credentials.ts'
import type { Engine } from './engine.ts'
import { jsonLines } from './lines.ts'
import { paced } from './pace.ts'
import { pullFault } from './pull-fault.ts'
import { pullProgress } from './pull-progress.ts'
import { race } from './race.ts'
import type { Reference } from './reference.ts'
import { text } from './shape.ts'

/**
 * Has the engine pull `image`. May be repeated; the engine keeps the layers that it has got. Ends at the latest at the
 * deadline for pulls, sooner when the registry does not answer (`registry`) or falls silent (`stall`).
 */
export async function pull(
  engine: Engine,
  image: string,
  reference: Reference,
  signal: AbortSignal,
  progress: (words: string) => void,
): Promise<Outcome<void>> {
  const stored = await credentialsFor(reference.registry, engine.target.configFile)
  const failed = (reason: string, status: number | null): Outcome<void> => {
    return { ok: false, fault: pullFault(image, reason, status, stored) }
  }
  const layers = pullProgress(image)
  const say = paced(progress, 1000, () => performance.now())
  say(() => layers.words())
  const opened = await open(engine, reference, stored, signal)
  if (opened.ok) {
    const hear = (line: unknown): void => {
      layers.hear(line)
      say(() => layers.words())
    }
    const reason = await follow(engine, opened.value, signal, hear)
    if (reason === null) return done(undefined)
    // A stream also ends because the engine went away, and then no try was spent.
    const alive = await engine.ping(signal)
    return !alive.ok && alive.fault.again === 'away' ? alive : failed(reason, null)
  }
  if (opened.status !== null) return failed(opened.reason, opened.status)
  if (opened.fault.again === 'away') return opened
  return failed(`no answer from its registry within ${engine.deadlines.registry / 1000} s`, null)
}

function open(engine: Engine, { repository, tag }: Reference, stored: Credentials, signal: AbortSignal) {
  // The engine sends its headers with the first line, so a stream that is open is a registry that has answered.
  const request = {
    what: 'pull',
    withinMs: engine.deadlines.registry,
    long: true,
    async run(docker: Docker, abortSignal: AbortSignal): Promise<Readable> {
      const options = { fromImage: repository, tag, abortSignal }
      const stream = await docker.createImage(stored.authconfig ?? undefined, options)
      if (stream instanceof Readable) return stream
      throw new TypeError('the engine client gave no readable stream')
    },
  }
  return engine.ask(request, signal)
}

/** Reads a pull to its end. `null`: it is complete; else the reason why not. */
async function follow(
  engine: Engine,
  stream: Readable,
  signal: AbortSignal,
  heard: (line: unknown) => void,
): Promise<string | null> {
  const { stall, pull: withinMs } = engine.deadlines
  let refused: string | undefined
  const ending = await race(withinMs, signal, () => {
    return new Promise<string | null>((resolve) => {
      const silent = () => resolve(`no answer any more from its registry, for ${stall / 1000} s`)
      let timer = setTimeout(silent, stall)
      const hear = jsonLines((line) => {
        refused ??= text(line, 'errorDetail', 'message') ?? text(line, 'error')
        heard(line)
      })
      stream.on('data', (chunk: Buffer) => {
        clearTimeout(timer)
        timer = setTimeout(silent, stall)
        hear(chunk)
      })
      stream.on('end', () => resolve(refused ?? null))
      stream.on('error', (error) => resolve(refused ?? `connection reset (${error.message})`))
      // A stream that closes without an end was cut off. After an end this changes nothing any more.
      stream.on('close', () => {
        clearTimeout(timer)
        resolve(refused ?? 'connection reset before the pull was complete')
      })
    })
  })
  stream.destroy()
  if (ending.kind === 'answered') return ending.value
  return ending.kind === 'overdue' ? `timeout, not complete within ${withinMs / 60_000} minutes` : 'broken off'
}

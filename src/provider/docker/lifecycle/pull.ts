import { Readable } from 'node:stream'
import type Docker from 'dockerode'
import { ok, type Outcome } from '../../../workspace/fault.ts'
import { type RegistryCredentials, loadRegistryCredentials } from '../engine/registry-credentials.ts'
import type { Engine } from '../engine/engine.ts'
import { parseJsonLines } from '../engine/json-lines.ts'
import { throttle } from '../../throttle.ts'
import { pullFault } from './pull-fault.ts'
import { pullProgress } from './pull-progress.ts'
import { withDeadline } from '../engine/with-deadline.ts'
import type { ImageReference } from './image-reference.ts'
import { stringField } from '../engine/json-fields.ts'

/**
 * Has the engine pull `image`. May be repeated; the engine keeps the layers that it has got. Ends at the latest at the
 * deadline for pulls, sooner when the registry does not answer (`registry`) or falls silent (`stall`).
 */
export async function pullImage(
  engine: Engine,
  image: string,
  reference: ImageReference,
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<Outcome<void>> {
  const credentials = await loadRegistryCredentials(reference.registry, engine.target.configFile)
  const failure = (reason: string, status: number | null): Outcome<void> => {
    return { ok: false, fault: pullFault(image, reason, status, credentials) }
  }
  const pullState = pullProgress(image)
  const reportProgress = throttle(onProgress, 1000, () => performance.now())
  reportProgress(() => pullState.describe())
  const stream = await openPullStream(engine, reference, credentials, signal)
  if (stream.ok) {
    const onEvent = (event: unknown): void => {
      pullState.update(event)
      reportProgress(() => pullState.describe())
    }
    const failureReason = await readPullStream(engine, stream.value, signal, onEvent)
    if (failureReason === null) return ok(undefined)
    // A stream also ends because the engine went away, and then no try was spent.
    const pingResult = await engine.ping(signal)
    return !pingResult.ok && pingResult.fault.kind === 'unavailable' ? pingResult : failure(failureReason, null)
  }
  if (stream.status !== null) return failure(stream.reason, stream.status)
  if (stream.fault.kind === 'unavailable') return stream
  return failure(`no answer from its registry within ${engine.timeouts.registryMs / 1000} s`, null)
}

function openPullStream(
  engine: Engine,
  { repository, tag }: ImageReference,
  credentials: RegistryCredentials,
  signal: AbortSignal,
) {
  // The engine sends its headers with the first line, so a stream that is open is a registry that has answered.
  const request = {
    action: 'pull',
    timeoutMs: engine.timeouts.registryMs,
    longRunning: true,
    async run(docker: Docker, abortSignal: AbortSignal): Promise<Readable> {
      const options = { fromImage: repository, tag, abortSignal }
      const stream = await docker.createImage(credentials.authconfig ?? undefined, options)
      if (stream instanceof Readable) return stream
      throw new TypeError('the engine client gave no readable stream')
    },
  }
  return engine.request(request, signal)
}

/** Reads a pull to its end. `null`: it is complete; else the reason why not. */
async function readPullStream(
  engine: Engine,
  stream: Readable,
  signal: AbortSignal,
  onEvent: (event: unknown) => void,
): Promise<string | null> {
  const { stallMs, pullMs: timeoutMs } = engine.timeouts
  let errorMessage: string | undefined
  const outcome = await withDeadline(timeoutMs, signal, () => {
    return new Promise<string | null>((resolve) => {
      const onStall = () => resolve(`no answer any more from its registry, for ${stallMs / 1000} s`)
      let timer = setTimeout(onStall, stallMs)
      const parseChunk = parseJsonLines((event) => {
        errorMessage ??= stringField(event, 'errorDetail', 'message') ?? stringField(event, 'error')
        onEvent(event)
      })
      stream.on('data', (chunk: Buffer) => {
        clearTimeout(timer)
        timer = setTimeout(onStall, stallMs)
        parseChunk(chunk)
      })
      stream.on('end', () => resolve(errorMessage ?? null))
      stream.on('error', (error) => resolve(errorMessage ?? `connection reset (${error.message})`))
      // A stream that closes without an end was cut off. After an end this changes nothing any more.
      stream.on('close', () => {
        clearTimeout(timer)
        resolve(errorMessage ?? 'connection reset before the pull was complete')
      })
    })
  })
  stream.destroy()
  if (outcome.kind === 'settled') return outcome.value
  return outcome.kind === 'timed-out' ? `timeout, not complete within ${timeoutMs / 60_000} minutes` : 'broken off'
}

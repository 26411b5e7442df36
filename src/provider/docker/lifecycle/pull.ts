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
 * Has the engine pull `image`. May be repeated; the engine keeps completed layers. Gives up after the pull timeout, or
 * sooner if the registry does not answer (`registryMs`) or stalls (`stallMs`).
 */
export async function pullImage(
  engine: Engine,
  { image, reference }: { readonly image: string; readonly reference: ImageReference },
  signal: AbortSignal,
  onProgress: (text: string) => void,
): Promise<Outcome<void>> {
  const credentials = await loadRegistryCredentials(reference.registry, engine.target.configFile)
  const failure = (reason: string, status: number | null): Outcome<void> => {
    return { ok: false, fault: pullFault(image, reason, status, credentials) }
  }
  const progress = pullProgress(image)
  const reportProgress = throttle(onProgress, 1000, () => performance.now())
  reportProgress(() => progress.describe())
  const stream = await openPullStream(engine, reference, credentials, signal)
  if (stream.ok) {
    const onEvent = (event: unknown): void => {
      progress.update(event)
      reportProgress(() => progress.describe())
    }
    const failureReason = await readPullStream(engine, stream.value, signal, onEvent)
    if (failureReason === null) return ok(undefined)
    // If the stream ended because the engine went away, the failure costs no attempt.
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
  // The engine sends the response headers with the first line, so an open stream means that the registry has answered.
  const request = {
    action: 'pull',
    timeoutMs: engine.timeouts.registryMs,
    longRunning: true,
    async run(docker: Docker, abortSignal: AbortSignal): Promise<Readable> {
      const options = { fromImage: repository, tag, abortSignal }
      const stream = await docker.createImage(credentials.authconfig ?? undefined, options)
      if (stream instanceof Readable) return stream
      throw new TypeError('dockerode did not return a readable stream')
    },
  }
  return engine.request(request, signal)
}

/** Reads a pull to its end. Returns `null` if the pull is complete, else the reason of the failure. */
async function readPullStream(
  engine: Engine,
  stream: Readable,
  signal: AbortSignal,
  onEvent: (event: unknown) => void,
): Promise<string | null> {
  const { stallMs, pullMs } = engine.timeouts
  let errorMessage: string | undefined
  const outcome = await withDeadline(pullMs, signal, () => {
    return new Promise<string | null>((resolve) => {
      const onStall = () => resolve(`no answer from its registry for ${stallMs / 1000} s`)
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
      // A close without an end means that the stream was cut. After an end this has no effect.
      stream.on('close', () => {
        clearTimeout(timer)
        resolve(errorMessage ?? 'connection reset before the pull was complete')
      })
    })
  })
  stream.destroy()
  if (outcome.kind === 'settled') return outcome.value
  return outcome.kind === 'timed-out' ? `timeout, not complete within ${pullMs / 60_000} minutes` : 'aborted'
}

import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { RunningWorkspace } from '../harness/running-workspace.ts'
import { startRunningWorkspace, noEngineReason, userHeaders } from '../harness/running-workspace.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, percentile, roundTo } from '../statistics.ts'

const name = 'echo of a keystroke in a shell'
const maxMs = 3

/** A terminal that receives keystrokes. */
interface EchoTerminal {
  /** Types a character. Returns the milliseconds until its echo. */
  typeKey(): Promise<number>
  close(): void
}

/** The latency that the service adds to a keystroke's echo. */
export const echoBenchmark: Benchmark = async ({ folder, quick }) => {
  const workspace = await startRunningWorkspace(folder, 'echo')
  if (!workspace) return { kind: 'skipped', name, reason: noEngineReason }
  const [apiTerminal, engineTerminal] = [await throughApi(workspace), await throughEngine(workspace)]
  try {
    for (let n = 0; n < 20; n += 1) for (const terminal of [apiTerminal, engineTerminal]) await terminal.typeKey()
    const { a, b } = await runInTurns(quick ? 20 : 500, apiTerminal.typeKey, engineTerminal.typeKey)
    const overheadMs = median(a) - median(b)
    return {
      kind: 'measured',
      name,
      baseline: `${maxMs} ms more than the engine`,
      ratio: overheadMs / maxMs,
      target: '≤ 1',
      ok: overheadMs <= maxMs,
      figures: {
        keys: a.length,
        'service, ms': roundTo(median(a)),
        'service, 99th percentile, ms': roundTo(percentile(a, 99)),
        'engine, ms': roundTo(median(b)),
      },
    }
  } finally {
    apiTerminal.close()
    engineTerminal.close()
    await workspace.close()
  }
}

/** `onOutput` must be called for each chunk of output; a keystroke waits for the next one. */
function echoTerminal(send: (text: string) => void, close: () => void) {
  let resolveEcho: (() => void) | undefined
  return {
    onOutput: () => resolveEcho?.(),
    terminal: {
      async typeKey() {
        const startedAt = performance.now()
        const echo = new Promise<void>((resolve) => (resolveEcho = resolve))
        send('x')
        await echo
        return performance.now() - startedAt
      },
      close,
    } satisfies EchoTerminal,
  }
}

async function throughApi({ urlOf }: RunningWorkspace): Promise<EchoTerminal> {
  const socket = new WebSocket(urlOf('/shell').replace(/^http/, 'ws'), { headers: userHeaders })
  const { onOutput, terminal } = echoTerminal(
    (text) => socket.send(Buffer.from(text)),
    () => socket.terminate(),
  )
  await once(socket, 'open')
  const prompt = new Promise<void>((resolve) => socket.on('message', (_data, binary) => binary && resolve()))
  await prompt
  socket.on('message', (_data, binary) => binary && onOutput())
  return terminal
}

async function throughEngine({ docker, containerId }: RunningWorkspace): Promise<EchoTerminal> {
  const dockerExec = await docker
    .getContainer(containerId)
    .exec({ Cmd: ['sh', '-l'], AttachStdin: true, AttachStdout: true, AttachStderr: true, Tty: true })
  const stream: Duplex = await dockerExec.start({ hijack: true, stdin: true, Tty: true })
  const { onOutput, terminal } = echoTerminal(
    (text) => void stream.write(text),
    () => void stream.destroy(),
  )
  await once(stream, 'data')
  stream.on('data', onOutput)
  return terminal
}

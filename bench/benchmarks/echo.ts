import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { RunningWorkspace } from '../harness/running-workspace.ts'
import { startRunningWorkspace, noEngineReason, userHeaders } from '../harness/running-workspace.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, percentile, roundTo } from '../benchmark.ts'

const name = 'echo of a keystroke in a shell'
const maxMs = 3

/** A terminal that somebody types into. */
interface EchoTerminal {
  /** Types a character that is echoed; answers how long that took, in ms. */
  typeKey(): Promise<number>
  close(): void
}

/** How much longer a keystroke takes through the service than through the engine alone. */
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
      baseline: `${maxMs} ms over the engine's own`,
      ratio: overheadMs / maxMs,
      target: '≤ 1',
      ok: overheadMs <= maxMs,
      figures: {
        keys: a.length,
        'ours, ms': roundTo(median(a)),
        'ours, 99th percentile, ms': roundTo(percentile(a, 99)),
        "the engine's own, ms": roundTo(median(b)),
      },
    }
  } finally {
    apiTerminal.close()
    engineTerminal.close()
    await workspace.close()
  }
}

/** `heard` is called with what comes; a key waits for the next piece. */
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

async function throughApi({ urlOf: at }: RunningWorkspace): Promise<EchoTerminal> {
  const socket = new WebSocket(at('/shell').replace(/^http/, 'ws'), { headers: userHeaders })
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

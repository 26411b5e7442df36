import { once } from 'node:events'
import type { Readable } from 'node:stream'
import type { RunningWorkspace } from '../harness/running-workspace.ts'
import { startRunningWorkspace, noEngineReason, userHeaders } from '../harness/running-workspace.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, percentile, roundTo } from '../statistics.ts'

const name = 'exec of `true`, from request to exit code'
const maxRatio = 1.2

/** The duration of a command through the service, compared with the engine alone. */
export const execBenchmark: Benchmark = async ({ folder, quick }) => {
  const workspace = await startRunningWorkspace(folder, 'exec')
  if (!workspace) return { kind: 'skipped', name, reason: noEngineReason }
  try {
    const [viaApi, viaEngine] = [() => throughApi(workspace), () => throughEngine(workspace)]
    for (let n = 0; n < 5; n += 1) await Promise.all([viaApi(), viaEngine()])
    const { a, b } = await runInTurns(quick ? 10 : 100, viaApi, viaEngine)
    const ratio = median(a) / median(b)
    return {
      kind: 'measured',
      name,
      baseline: 'the same through dockerode',
      ratio,
      target: `≤ ${maxRatio}`,
      ok: ratio <= maxRatio,
      figures: {
        pairs: a.length,
        'service, ms': roundTo(median(a), 1),
        'service, 90th percentile, ms': roundTo(percentile(a, 90), 1),
        'dockerode, ms': roundTo(median(b), 1),
      },
    }
  } finally {
    await workspace.close()
  }
}

async function throughApi({ urlOf }: RunningWorkspace): Promise<number> {
  const startedAt = performance.now()
  const response = await fetch(urlOf('/exec'), {
    method: 'POST',
    headers: { ...userHeaders, 'content-type': 'application/json' },
    body: JSON.stringify({ command: ['true'] }),
  })
  const output = await response.text()
  const elapsedMs = performance.now() - startedAt
  if (!output.includes('"exit_code":0')) throw new Error(`true did not exit with 0: ${output}`)
  return elapsedMs
}

async function throughEngine({ docker, containerId }: RunningWorkspace): Promise<number> {
  const startedAt = performance.now()
  const dockerExec = await docker
    .getContainer(containerId)
    .exec({ Cmd: ['true'], AttachStdout: true, AttachStderr: true })
  const stream = (await dockerExec.start({})) as Readable
  stream.resume()
  await once(stream, 'close')
  const { ExitCode } = await dockerExec.inspect()
  const elapsedMs = performance.now() - startedAt
  if (ExitCode !== 0) throw new Error(`true exited with ${ExitCode}`)
  return elapsedMs
}

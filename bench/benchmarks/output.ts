import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { join } from 'node:path'
import type { RunningWorkspace } from '../harness/running-workspace.ts'
import { startRunningWorkspace, noEngineReason, userHeaders } from '../harness/running-workspace.ts'
import type { Benchmark } from '../benchmark.ts'
import { median, runInTurns, roundTo } from '../statistics.ts'

const name = 'output of a command, bytes per second'
const minRatio = 0.7
const mebi = 1024 * 1024
const cliPath = join(import.meta.dirname, '../../dist/cli/main.js')

/** The throughput of a command's output to an API client and to `vm exec`. */
export const outputBenchmark: Benchmark = async ({ folder, quick }) => {
  const workspace = await startRunningWorkspace(folder, 'output')
  if (!workspace) return { kind: 'skipped', name, reason: noEngineReason }
  const bytes = (quick ? 16 : 256) * mebi
  const speed = (durationsMs: readonly number[]) => bytes / mebi / (median(durationsMs) / 1000)
  const measureAll = async (command: string) => {
    const { a: ours, b: others } = await runInTurns(
      quick ? 1 : 5,
      () => throughApi(workspace, command),
      async () => ({
        docker: await throughDocker(workspace, command, bytes),
        vm: await throughCli(workspace, command, bytes),
      }),
    )
    return {
      api: speed(ours),
      docker: speed(others.map((sample) => sample.docker)),
      vm: speed(others.map((sample) => sample.vm)),
    }
  }
  try {
    const text = await measureAll(`yes "a line of some text, as compilers and tests write it" | head -c ${bytes}`)
    const random = await measureAll(`head -c ${bytes} /dev/urandom`)
    const ratio = Math.min(text.api / text.docker, random.api / random.docker)
    return {
      kind: 'measured',
      name,
      baseline: '`docker exec`',
      ratio,
      target: `≥ ${minRatio}`,
      ok: ratio >= minRatio,
      figures: {
        'text, service, MiB/s': roundTo(text.api, 0),
        'text, vm exec including its startup, MiB/s': roundTo(text.vm, 0),
        'text, docker exec, MiB/s': roundTo(text.docker, 0),
        'random bytes as base64, service, MiB/s': roundTo(random.api, 0),
        'random bytes, vm exec, MiB/s': roundTo(random.vm, 0),
        'random bytes, docker exec, MiB/s': roundTo(random.docker, 0),
      },
    }
  } finally {
    await workspace.close()
  }
}

/** Reads the response to its end. Returns the duration in milliseconds. */
async function throughApi({ urlOf }: RunningWorkspace, command: string): Promise<number> {
  const startedAt = performance.now()
  const execRequest = request(urlOf('/exec'), {
    method: 'POST',
    headers: { ...userHeaders, 'content-type': 'application/json' },
  })
  execRequest.end(JSON.stringify({ command }))
  const [response] = (await once(execRequest, 'response')) as [IncomingMessage]
  let tail = ''
  response.on('data', (chunk: Buffer) => (tail = chunk.subarray(-200).toString('latin1')))
  await once(response, 'end')
  const elapsedMs = performance.now() - startedAt
  if (!tail.includes('"exit_code":0')) throw new Error(`${command} did not exit with 0: ${tail}`)
  return elapsedMs
}

const throughDocker = ({ containerId, dockerHost }: RunningWorkspace, command: string, bytes: number) =>
  throughProgram('docker', ['-H', dockerHost, 'exec', containerId, 'sh', '-c', command], bytes)

const throughCli = ({ service }: RunningWorkspace, command: string, bytes: number) => {
  const connectionArgs = ['--url', service.url, '--user', userHeaders['x-user']]
  return throughProgram(
    process.execPath,
    [cliPath, ...connectionArgs, 'exec', '-n', 'bench', '--', 'sh', '-c', command],
    bytes,
  )
}

async function throughProgram(program: string, args: readonly string[], bytes: number): Promise<number> {
  const startedAt = performance.now()
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  let receivedBytes = 0
  child.stdout.on('data', (chunk: Buffer) => (receivedBytes += chunk.length))
  await once(child, 'close')
  const elapsedMs = performance.now() - startedAt
  if (receivedBytes !== bytes) throw new Error(`${program} returned ${receivedBytes} of ${bytes} bytes`)
  return elapsedMs
}

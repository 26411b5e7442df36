// npm run bench -- [--quick] [--json] [BENCHMARK…]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildBenchmarks } from './harness/build.ts'
import { consoleChangeBenchmark } from './benchmarks/console-change.ts'
import { consoleViewBenchmark } from './benchmarks/console-view.ts'
import { createBenchmark } from './benchmarks/create.ts'
import { durableBenchmark } from './benchmarks/durable.ts'
import { echoBenchmark } from './benchmarks/echo.ts'
import { execBenchmark } from './benchmarks/exec.ts'
import { feedBenchmark } from './benchmarks/feed.ts'
import { fileBenchmark } from './benchmarks/file.ts'
import { firstPageBenchmark } from './benchmarks/first-page.ts'
import { getOneBenchmark } from './benchmarks/get-one.ts'
import { healthBenchmark } from './benchmarks/health.ts'
import { heapBenchmark } from './benchmarks/heap.ts'
import { hostInfo } from './harness/host-info.ts'
import type { Benchmark, BenchmarkResult, SkippedBenchmark } from './benchmark.ts'
import { outputBenchmark } from './benchmarks/output.ts'
import { startBenchmark } from './benchmarks/start.ts'
import { formatResults } from './result-table.ts'

const benchmarks: Readonly<Record<string, Benchmark>> = {
  create: createBenchmark,
  'get-one': getOneBenchmark,
  'first-page': firstPageBenchmark,
  start: startBenchmark,
  durable: durableBenchmark,
  heap: heapBenchmark,
  health: healthBenchmark,
  feed: feedBenchmark,
  'console-view': consoleViewBenchmark,
  'console-change': consoleChangeBenchmark,
  exec: execBenchmark,
  output: outputBenchmark,
  echo: echoBenchmark,
  file: fileBenchmark,
}

const args = process.argv.slice(2)
const selected = args.filter((arg) => !arg.startsWith('--'))
const unknown = args.filter((arg) => !(arg in benchmarks) && arg !== '--quick' && arg !== '--json')
if (unknown.length > 0) {
  process.stderr.write(
    `Unknown argument: ${unknown.join(', ')}. Benchmarks: ${Object.keys(benchmarks).join(', ')}. Options: --quick, --json.\n`,
  )
  process.exitCode = 1
} else await runBenchmarks()

async function runBenchmarks() {
  const quick = args.includes('--quick')
  const logProgress = (text: string) => void process.stderr.write(`${text}\n`)
  const folder = mkdtempSync(join(process.env['VM_API_BENCH_DIR'] ?? tmpdir(), 'vm-api-bench-'))
  try {
    logProgress('compiling')
    buildBenchmarks()
    const host = await hostInfo(folder)
    const results: (BenchmarkResult | SkippedBenchmark)[] = []
    for (const [name, benchmark] of Object.entries(benchmarks)) {
      if (selected.length > 0 && !selected.includes(name)) continue
      logProgress(`measuring ${name}`)
      results.push(await benchmark({ quick, folder }))
    }
    const json = JSON.stringify({ at: new Date().toISOString(), quick, machine: host, results }, null, 2)
    const outputFolder = join(dirname(fileURLToPath(import.meta.url)), 'out')
    mkdirSync(outputFolder, { recursive: true })
    writeFileSync(join(outputFolder, 'bench.json'), `${json}\n`)
    process.stdout.write(`${args.includes('--json') ? json : formatResults(host, results)}\n`)
    // The figures of a quick run mean nothing.
    if (!quick && results.some((result) => result.kind === 'measured' && !result.ok)) process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// npm run bench -- [--quick] [--json] [MEASURE…]
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from './built.ts'
import { consoleChange } from './console-change.ts'
import { consoleView } from './console-view.ts'
import { create } from './create.ts'
import { durable } from './durable.ts'
import { echo } from './echo.ts'
import { exec } from './exec.ts'
import { feed } from './feed.ts'
import { file } from './file.ts'
import { firstPage } from './first-page.ts'
import { getOne } from './get-one.ts'
import { health } from './health.ts'
import { heap } from './heap.ts'
import { machine } from './machine.ts'
import type { Measure, Measured, Skipped } from './measure.ts'
import { output } from './output.ts'
import { start } from './start.ts'
import { table } from './table.ts'

const measures: Readonly<Record<string, Measure>> = {
  create,
  'get-one': getOne,
  'first-page': firstPage,
  start,
  durable,
  heap,
  health,
  feed,
  console: consoleView,
  screen: consoleChange,
  exec,
  output,
  echo,
  file,
}

const args = process.argv.slice(2)
const named = args.filter((arg) => !arg.startsWith('--'))
const unknown = args.filter((arg) => !(arg in measures) && arg !== '--quick' && arg !== '--json')
if (unknown.length > 0) {
  process.stderr.write(
    `There is no ${unknown.join(', ')}. Measures: ${Object.keys(measures).join(', ')}; options: --quick, --json.\n`,
  )
  process.exitCode = 1
} else await bench()

async function bench() {
  const quick = args.includes('--quick')
  const say = (text: string) => void process.stderr.write(`${text}\n`)
  const folder = mkdtempSync(join(process.env['VM_API_BENCH_DIR'] ?? tmpdir(), 'vm-api-bench-'))
  try {
    say('compiling')
    build()
    const on = await machine(folder)
    const found: (Measured | Skipped)[] = []
    for (const [name, measure] of Object.entries(measures)) {
      if (named.length > 0 && !named.includes(name)) continue
      say(`measuring ${name}`)
      found.push(await measure({ quick, folder }))
    }
    const json = JSON.stringify({ at: new Date().toISOString(), quick, machine: on, measures: found }, null, 2)
    const out = join(dirname(fileURLToPath(import.meta.url)), 'out')
    mkdirSync(out, { recursive: true })
    writeFileSync(join(out, 'bench.json'), `${json}\n`)
    process.stdout.write(`${args.includes('--json') ? json : table(on, found)}\n`)
    // A quick run says whether the measures work, not what they say.
    if (!quick && found.some((each) => each.kind === 'measured' && !each.ok)) process.exitCode = 1
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// npm run chaos -- [--minutes N] [--seed N] [--engine fake|live|both] [--simulations N]
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { canRunEngines } from '../engine/engine-process.ts'
import { runSeeds } from '../simulation/run-seeds.ts'
import { buildService } from './build-service.ts'
import { runCrashes, type Tally } from './run-crashes.ts'

const usage = `npm run chaos -- [--minutes N] [--seed N] [--engine fake|live|both] [--simulations N]

Kills the built service repeatedly, and compares the responses of clients with the database and the engine.

  --minutes N      duration (default: 5)
  --seed N         repeats the crash points, requests and faults of a run (default: random)
  --engine E       fake: a simulated engine in its own process; live: a separate Docker engine (needs root and dockerd);
                   both: both concurrently (default: both if a live engine can run here, else fake)
  --simulations N  runs N simulations instead: the supervisor on a simulated clock with a faulty engine
`

const print = (text: string) => void process.stdout.write(`${text}\n`)

function parseNumber(text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text)
  if (!Number.isFinite(number) || number < 0) throw new Error(`${text} is not a number`)
  return number
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      engine: { type: 'string' },
      simulations: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const { engine = canRunEngines() ? 'both' : 'fake' } = values
  if (engine !== 'fake' && engine !== 'live' && engine !== 'both')
    throw new Error(`unknown engine ${engine}: use fake, live or both`)
  if (engine !== 'fake' && !canRunEngines()) throw new Error('a live engine needs Linux, root, dockerd, ip and nsenter')
  return {
    help: values.help === true,
    minutes: parseNumber(values.minutes, 5),
    seed: Math.floor(parseNumber(values.seed, randomInt(1_000_000))),
    simulations: values.simulations === undefined ? null : parseNumber(values.simulations, 0),
    engine,
  } as const
}

async function main(): Promise<number> {
  const options = parsedOptions()
  if (options === null) return 2
  if (options.help) {
    print(usage)
    return 0
  }
  if (options.simulations !== null) return runSimulations(options.simulations, options.seed)
  print(`seed ${options.seed}, ${options.minutes} minutes; building the service`)
  buildService()
  const until = Date.now() + options.minutes * 60_000
  // A starting service mostly waits, so two concurrent runs make better use of the machine.
  const engineKinds =
    options.engine === 'both'
      ? (['fake', 'fake', 'live'] as const)
      : [options.engine, options.engine].slice(options.engine === 'live' ? 1 : 0)
  const tallies: Tally[] = engineKinds.map((kind) => ({ kind, kills: new Map(), requests: 0, runs: 0 }))
  const started = Date.now()
  const progress = setInterval(() => {
    const seconds = String(Math.round((Date.now() - started) / 1000)).padStart(5)
    print(`${seconds} s  ${totalsByEngine(tallies).map(describeTally).join('; ')}; 0 violations`)
  }, 5000)
  try {
    await Promise.all(
      tallies.map((tally, index) =>
        runCrashes(tally, options.seed + index, () => Date.now() < until, engineKinds.length),
      ),
    )
  } catch (error) {
    print(error instanceof Error ? `${error.message}\n${error.name}` : String(error))
    print(
      `To repeat this run: npm run chaos -- --seed ${options.seed} --engine ${options.engine} --minutes ${options.minutes}`,
    )
    return 1
  } finally {
    clearInterval(progress)
  }
  for (const tally of totalsByEngine(tallies)) {
    print(`\n${describeTally(tally)} in ${tally.runs} runs`)
    for (const [kind, count] of tally.kills) print(`  ${kind.padEnd(18)}${count}`)
  }
  print(
    `\n${totalsByEngine(tallies).reduce((all, tally) => all + killCount(tally), 0)} kills, 0 violations (seed ${options.seed})`,
  )
  return 0
}

/** The options; `null` after an error message if they are invalid. */
function parsedOptions(): ReturnType<typeof readOptions> | null {
  try {
    return readOptions()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return null
  }
}

async function runSimulations(simulations: number, seed: number): Promise<number> {
  const { runs: count, violations } = await runSeeds({ seeds: simulations, firstSeed: seed, print })
  print(`${count} simulations, ${violations.length} violations (seeds from ${seed})`)
  return violations.length === 0 ? 0 : 1
}

/** The totals for each kind of engine. */
function totalsByEngine(tallies: readonly Tally[]): readonly Tally[] {
  return (['fake', 'live'] as const).flatMap((kind) => {
    const engineTallies = tallies.filter((tally) => tally.kind === kind)
    if (engineTallies.length === 0) return []
    const kills = new Map<string, number>()
    for (const lane of engineTallies)
      for (const [point, count] of lane.kills) kills.set(point, (kills.get(point) ?? 0) + count)
    const sum = (field: 'requests' | 'runs') => engineTallies.reduce((all, lane) => all + lane[field], 0)
    return [{ kind, kills, requests: sum('requests'), runs: sum('runs') }]
  })
}

function describeTally(tally: Tally): string {
  return `${tally.kind} engine: ${killCount(tally)} kills, ${tally.requests} requests`
}

function killCount({ kills }: Tally): number {
  return [...kills.values()].reduce((sum, each) => sum + each, 0)
}

process.exitCode = await main()

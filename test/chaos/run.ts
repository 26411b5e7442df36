// npm run chaos -- [--minutes N] [--seed N] [--engine fake|live|both] [--worlds N]
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { canRunEngines } from '../engine/engine-process.ts'
import { runSeeds } from '../simulation/run-seeds.ts'
import { buildService } from './build-service.ts'
import { runCrashes, type Tally } from './run-crashes.ts'

const usage = `npm run chaos -- [--minutes N] [--seed N] [--engine fake|live|both] [--worlds N]

Kills the built service again and again, and holds what clients were told against the database and the engine.

  --minutes N   how long (5)
  --seed N      repeats a run's points, commands and faults (any)
  --engine E    fake: an engine that is played, in a process of its own; live: a Docker engine of its own (as root, with dockerd);
                both: one beside the other (both, where a live one can be run; else fake)
  --worlds N    simulates N worlds in place of it: the supervisor on a simulated clock over an engine that misbehaves
`

const print = (text: string) => void process.stdout.write(`${text}\n`)

function parseNumber(text: string | undefined, fallback: number): number {
  const number = text === undefined ? fallback : Number(text)
  if (!Number.isFinite(number) || number < 0) throw new Error(`${text} is no number`)
  return number
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      engine: { type: 'string' },
      worlds: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const { engine = canRunEngines() ? 'both' : 'fake' } = values
  if (engine !== 'fake' && engine !== 'live' && engine !== 'both') throw new Error(`there is no engine ${engine}`)
  if (engine !== 'fake' && !canRunEngines()) throw new Error('a live engine needs Linux, root, dockerd, ip and nsenter')
  return {
    help: values.help === true,
    minutes: parseNumber(values.minutes, 5),
    seed: Math.floor(parseNumber(values.seed, randomInt(1_000_000))),
    worlds: values.worlds === undefined ? null : parseNumber(values.worlds, 0),
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
  if (options.worlds !== null) return runSimulations(options.worlds, options.seed)
  print(`seed ${options.seed}, ${options.minutes} minutes; building the service`)
  buildService()
  const until = Date.now() + options.minutes * 60_000
  // A service that starts waits as often as it works: two worlds beside each other keep a machine busy.
  const engineKinds =
    options.engine === 'both'
      ? (['fake', 'fake', 'live'] as const)
      : [options.engine, options.engine].slice(options.engine === 'live' ? 1 : 0)
  const tallies: Tally[] = engineKinds.map((kind) => ({ kind, kills: new Map(), requests: 0, worlds: 0 }))
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
      `To repeat it: npm run chaos -- --seed ${options.seed} --engine ${options.engine} --minutes ${options.minutes}`,
    )
    return 1
  } finally {
    clearInterval(progress)
  }
  for (const tally of totalsByEngine(tallies)) {
    print(`\n${describeTally(tally)} in ${tally.worlds} worlds`)
    for (const [kind, count] of tally.kills) print(`  ${kind.padEnd(18)}${count}`)
  }
  print(
    `\n${totalsByEngine(tallies).reduce((all, tally) => all + killCount(tally), 0)} kills, 0 violations (seed ${options.seed})`,
  )
  return 0
}

/** What is asked for; `null` if it cannot be, which has been said. */
function parsedOptions(): ReturnType<typeof readOptions> | null {
  try {
    return readOptions()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return null
  }
}

async function runSimulations(worlds: number, seed: number): Promise<number> {
  const { runs: count, violations } = await runSeeds({ seeds: worlds, firstSeed: seed, print })
  print(`${count} worlds, ${violations.length} violations (seeds from ${seed})`)
  return violations.length === 0 ? 0 : 1
}

/** One for each kind of engine. */
function totalsByEngine(tallies: readonly Tally[]): readonly Tally[] {
  return (['fake', 'live'] as const).flatMap((kind) => {
    const engineTallies = tallies.filter((tally) => tally.kind === kind)
    if (engineTallies.length === 0) return []
    const kills = new Map<string, number>()
    for (const lane of engineTallies)
      for (const [point, count] of lane.kills) kills.set(point, (kills.get(point) ?? 0) + count)
    const sum = (field: 'requests' | 'worlds') => engineTallies.reduce((all, lane) => all + lane[field], 0)
    return [{ kind, kills, requests: sum('requests'), worlds: sum('worlds') }]
  })
}

function describeTally(tally: Tally): string {
  return `${tally.kind} engine: ${killCount(tally)} kills, ${tally.requests} requests`
}

function killCount({ kills }: Tally): number {
  return [...kills.values()].reduce((sum, each) => sum + each, 0)
}

process.exitCode = await main()

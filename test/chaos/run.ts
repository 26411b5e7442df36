// npm run chaos -- [--minutes N] [--seed N] [--engine fake|live|both] [--worlds N]
import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'
import { mayRunEngines } from '../engine/engine-process.ts'
import { runWorlds } from '../worlds/run-worlds.ts'
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

const say = (text: string) => void process.stdout.write(`${text}\n`)

function numberIn(text: string | undefined, otherwise: number): number {
  const number = text === undefined ? otherwise : Number(text)
  if (!Number.isFinite(number) || number < 0) throw new Error(`${text} is no number`)
  return number
}

function read() {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string' },
      seed: { type: 'string' },
      engine: { type: 'string' },
      worlds: { type: 'string' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const { engine = mayRunEngines() ? 'both' : 'fake' } = values
  if (engine !== 'fake' && engine !== 'live' && engine !== 'both') throw new Error(`there is no engine ${engine}`)
  if (engine !== 'fake' && !mayRunEngines()) throw new Error('a live engine needs Linux, root, dockerd, ip and nsenter')
  return {
    help: values.help === true,
    minutes: numberIn(values.minutes, 5),
    seed: Math.floor(numberIn(values.seed, randomInt(1_000_000))),
    worlds: values.worlds === undefined ? null : numberIn(values.worlds, 0),
    engine,
  } as const
}

async function main(): Promise<number> {
  const asked = wanted()
  if (asked === null) return 2
  if (asked.help) {
    say(usage)
    return 0
  }
  if (asked.worlds !== null) return simulate(asked.worlds, asked.seed)
  say(`seed ${asked.seed}, ${asked.minutes} minutes; building the service`)
  buildService()
  const until = Date.now() + asked.minutes * 60_000
  // A service that starts waits as often as it works: two worlds beside each other keep a machine busy.
  const lanes =
    asked.engine === 'both'
      ? (['fake', 'fake', 'live'] as const)
      : [asked.engine, asked.engine].slice(asked.engine === 'live' ? 1 : 0)
  const tallies: Tally[] = lanes.map((kind) => ({ kind, kills: new Map(), requests: 0, worlds: 0 }))
  const started = Date.now()
  const progress = setInterval(() => {
    const seconds = String(Math.round((Date.now() - started) / 1000)).padStart(5)
    say(`${seconds} s  ${summed(tallies).map(inWords).join('; ')}; 0 violations`)
  }, 5000)
  try {
    await Promise.all(
      tallies.map((tally, lane) => runCrashes(tally, asked.seed + lane, () => Date.now() < until, lanes.length)),
    )
  } catch (error) {
    say(error instanceof Error ? `${error.message}\n${error.name}` : String(error))
    say(`To repeat it: npm run chaos -- --seed ${asked.seed} --engine ${asked.engine} --minutes ${asked.minutes}`)
    return 1
  } finally {
    clearInterval(progress)
  }
  for (const tally of summed(tallies)) {
    say(`\n${inWords(tally)} in ${tally.worlds} worlds`)
    for (const [kind, count] of tally.kills) say(`  ${kind.padEnd(18)}${count}`)
  }
  say(`\n${summed(tallies).reduce((all, tally) => all + killsIn(tally), 0)} kills, 0 violations (seed ${asked.seed})`)
  return 0
}

/** What is asked for; `null` if it cannot be, which has been said. */
function wanted(): ReturnType<typeof read> | null {
  try {
    return read()
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return null
  }
}

async function simulate(worlds: number, seed: number): Promise<number> {
  const { worlds: count, violations } = await runWorlds({ seeds: worlds, from: seed, say })
  say(`${count} worlds, ${violations.length} violations (seeds from ${seed})`)
  return violations.length === 0 ? 0 : 1
}

/** One for each kind of engine. */
function summed(tallies: readonly Tally[]): readonly Tally[] {
  return (['fake', 'live'] as const).flatMap((kind) => {
    const lanes = tallies.filter((tally) => tally.kind === kind)
    if (lanes.length === 0) return []
    const kills = new Map<string, number>()
    for (const lane of lanes) for (const [point, count] of lane.kills) kills.set(point, (kills.get(point) ?? 0) + count)
    const sum = (of: 'requests' | 'worlds') => lanes.reduce((all, lane) => all + lane[of], 0)
    return [{ kind, kills, requests: sum('requests'), worlds: sum('worlds') }]
  })
}

function inWords(tally: Tally): string {
  return `${tally.kind} engine: ${killsIn(tally)} kills, ${tally.requests} requests`
}

function killsIn({ kills }: Tally): number {
  return [...kills.values()].reduce((sum, each) => sum + each, 0)
}

process.exitCode = await main()

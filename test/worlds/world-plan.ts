import * as fc from 'fast-check'
import type { TemperName } from './temper.ts'

/** What one of several clients, an operator at the engine, or bad luck does. `which` picks one of those that are there. */
export type Doing =
  | {
      readonly do: 'create'
      readonly owner: number
      readonly name: number
      readonly template: 'base' | 'broken' | 'missing'
      readonly ttlSeconds: number | null
      readonly key: number | null
    }
  | { readonly do: 'start' | 'stop' | 'restart' | 'delete'; readonly which: number }
  | { readonly do: 'rename'; readonly which: number; readonly name: number }
  | { readonly do: 'keep'; readonly which: number; readonly ttlSeconds: number | null }
  /** Somebody tries it with another owner's workspace. */
  | { readonly do: 'trespass'; readonly which: number }
  | { readonly do: 'pass' | 'freeze' | 'jump'; readonly ms: number }
  | {
      readonly do: 'hand'
      readonly which: number
      readonly what: 'kill' | 'out-of-memory' | 'remove' | 'run' | 'run-again'
    }
  | { readonly do: 'turn'; readonly temper: TemperName }
  | { readonly do: 'leave'; readonly ms: number; readonly restart: boolean }
  /** The disk takes nothing of the next groups, or not one workspace's steps, or nothing at all for so long. */
  | { readonly do: 'lose'; readonly what: 'groups' | 'one'; readonly count: number }
  | { readonly do: 'fill'; readonly ms: number }
  /** The process is killed now, or before or after its next commit, and another one takes over. */
  | { readonly do: 'kill'; readonly when: 'now' | 'before-commit' | 'after-commit'; readonly downMs: number }
  | { readonly do: 'close'; readonly downMs: number }

/** One world, whole: the same plan is the same world. */
export interface Plan {
  /** Decides everything that nobody does: latencies, faults, which notices are lost. */
  readonly luck: number
  readonly temper: TemperName
  readonly concurrency: number
  readonly sweepMs: number
  readonly doings: readonly Doing[]
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const which = fc.nat(11)
const name = fc.nat(4)
const ttlSeconds = fc.constantFrom(null, null, null, 45, 600, 1800, 3600, 7200, 86_400, 315_360_000)
const downMs = fc.constantFrom(0, 0, 500, 20 * second, 10 * minute)
const temper = fc.constantFrom<TemperName>('even', 'even', 'moody', 'moody', 'moody', 'vile')

const create = fc.record<Doing & { do: 'create' }>({
  do: fc.constant('create'),
  owner: fc.nat(2),
  name,
  template: fc.constantFrom('base', 'base', 'base', 'base', 'base', 'broken', 'missing'),
  ttlSeconds,
  key: fc.option(fc.nat(2), { freq: 2 }),
})

const tell = fc.record<Doing & { do: 'start' | 'stop' | 'restart' | 'delete' }>({
  do: fc.constantFrom('start', 'start', 'start', 'stop', 'stop', 'stop', 'restart', 'restart', 'delete'),
  which,
})

const pass = fc
  .oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 200, max: 10 * second }),
    fc.integer({ min: 10 * second, max: 4 * minute }),
    fc.constant(5 * minute),
    fc.constantFrom(10 * minute, 35 * minute, 44 * minute),
  )
  .map((ms): Doing => ({ do: 'pass', ms }))

const jump = fc
  .constantFrom(day, -day, hour, -hour, 30 * second, -30 * second, 5 * minute)
  .map((ms): Doing => ({ do: 'jump', ms }))

const doing: fc.Arbitrary<Doing> = fc.oneof(
  { weight: 5, arbitrary: create },
  { weight: 20, arbitrary: tell },
  { weight: 18, arbitrary: pass },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rename' as const), which, name }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('keep' as const), which, ttlSeconds }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('trespass' as const), which }) },
  { weight: 1, arbitrary: jump },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('freeze' as const),
      ms: fc.constantFrom(20 * second, 10 * minute, 9 * hour),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constant('hand' as const),
      which,
      what: fc.constantFrom('kill' as const, 'out-of-memory', 'remove', 'run', 'run-again'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('turn' as const), temper }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('leave' as const),
      ms: fc.constantFrom(100, 5 * second, 3 * minute, 45 * minute),
      restart: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('lose' as const),
      what: fc.constantFrom('groups' as const, 'one'),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('fill' as const),
      ms: fc.constantFrom(100, 7 * second, 2 * minute, 33 * minute),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('kill' as const),
      when: fc.constantFrom('now' as const, 'before-commit', 'after-commit'),
      downMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), downMs }) },
)

/** Only clients, on an engine that behaves: here every command has to be obeyed to the letter. */
const quietDoing: fc.Arbitrary<Doing> = fc.oneof(
  { weight: 3, arbitrary: create },
  { weight: 5, arbitrary: tell },
  { weight: 6, arbitrary: pass },
)

const settings = {
  luck: fc.noShrink(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  concurrency: fc.integer({ min: 1, max: 4 }),
  sweepMs: fc.constantFrom(5 * second, 15 * second, 30 * second),
}

/** Every world that there may be; one in six is a quiet one. */
export const plans: fc.Arbitrary<Plan> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      ...settings,
      temper,
      doings: fc
        .tuple(
          fc.array(create, { minLength: 1, maxLength: 5, size: 'max' }),
          pass,
          fc.array(doing, { minLength: 12, maxLength: 60, size: 'max' }),
        )
        .map(([creates, first, doings]): Doing[] => [...creates, first, ...doings]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...settings,
      temper: fc.constant<TemperName>('even'),
      doings: fc.array(quietDoing, { minLength: 6, maxLength: 30, size: 'max' }),
    }),
  },
)

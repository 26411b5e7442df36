import * as fc from 'fast-check'
import type { FaultProfileName } from './engine/fault-profile.ts'

/** An action of a client or of an operator at the engine, or a fault. `which` picks one of the existing workspaces or containers. */
export type Operation =
  | {
      readonly kind: 'create'
      readonly owner: number
      readonly name: number
      readonly template: 'base' | 'broken' | 'missing'
      readonly ttlSeconds: number | null
      readonly key: number | null
    }
  | { readonly kind: 'start' | 'stop' | 'restart' | 'delete'; readonly which: number }
  | { readonly kind: 'rename'; readonly which: number; readonly name: number }
  | { readonly kind: 'renew'; readonly which: number; readonly ttlSeconds: number | null }
  /** A user sends a command to another owner's workspace. */
  | { readonly kind: 'command-as-other'; readonly which: number }
  | { readonly kind: 'advance' | 'freeze' | 'jump'; readonly ms: number }
  | {
      readonly kind: 'container'
      readonly which: number
      readonly action: 'kill' | 'out-of-memory' | 'remove' | 'run' | 'run-again'
    }
  | { readonly kind: 'set-fault-profile'; readonly faultProfile: FaultProfileName }
  | { readonly kind: 'disconnect'; readonly ms: number; readonly restart: boolean }
  /** The next `count` batches fail completely, or for one workspace each. */
  | { readonly kind: 'fail-writes'; readonly scope: 'groups' | 'one'; readonly count: number }
  | { readonly kind: 'fill-disk'; readonly ms: number }
  /** The process is killed now, or before or after its next commit. Another one takes over. */
  | { readonly kind: 'kill'; readonly when: 'now' | 'before-commit' | 'after-commit'; readonly downMs: number }
  | { readonly kind: 'close'; readonly downMs: number }

/** Everything that determines a simulation: the same plan gives the same run. */
export interface SimulationPlan {
  /** Determines latencies, faults and lost notices. */
  readonly seed: number
  readonly faultProfile: FaultProfileName
  readonly concurrency: number
  readonly sweepIntervalMs: number
  readonly operations: readonly Operation[]
}

const second = 1000
const minute = 60 * second
const hour = 60 * minute
const day = 24 * hour

const which = fc.nat(11)
const name = fc.nat(4)
const ttlSeconds = fc.constantFrom(null, null, null, 45, 600, 1800, 3600, 7200, 86_400, 315_360_000)
const downMs = fc.constantFrom(0, 0, 500, 20 * second, 10 * minute)
const faultProfile = fc.constantFrom<FaultProfileName>('none', 'none', 'moderate', 'moderate', 'moderate', 'severe')

const createArbitrary = fc.record<Operation & { kind: 'create' }>({
  kind: fc.constant('create'),
  owner: fc.nat(2),
  name,
  template: fc.constantFrom('base', 'base', 'base', 'base', 'base', 'broken', 'missing'),
  ttlSeconds,
  key: fc.option(fc.nat(2), { freq: 2 }),
})

const commandArbitrary = fc.record<Operation & { kind: 'start' | 'stop' | 'restart' | 'delete' }>({
  kind: fc.constantFrom('start', 'start', 'start', 'stop', 'stop', 'stop', 'restart', 'restart', 'delete'),
  which,
})

const advanceArbitrary = fc
  .oneof(
    fc.integer({ min: 1, max: 200 }),
    fc.integer({ min: 200, max: 10 * second }),
    fc.integer({ min: 10 * second, max: 4 * minute }),
    fc.constant(5 * minute),
    fc.constantFrom(10 * minute, 35 * minute, 44 * minute),
  )
  .map((ms): Operation => ({ kind: 'advance', ms }))

const jumpArbitrary = fc
  .constantFrom(day, -day, hour, -hour, 30 * second, -30 * second, 5 * minute)
  .map((ms): Operation => ({ kind: 'jump', ms }))

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 5, arbitrary: createArbitrary },
  { weight: 20, arbitrary: commandArbitrary },
  { weight: 18, arbitrary: advanceArbitrary },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('rename' as const), which, name }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('renew' as const), which, ttlSeconds }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('command-as-other' as const), which }) },
  { weight: 1, arbitrary: jumpArbitrary },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('freeze' as const),
      ms: fc.constantFrom(20 * second, 10 * minute, 9 * hour),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('container' as const),
      which,
      action: fc.constantFrom('kill' as const, 'out-of-memory', 'remove', 'run', 'run-again'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('set-fault-profile' as const), faultProfile }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('disconnect' as const),
      ms: fc.constantFrom(100, 5 * second, 3 * minute, 45 * minute),
      restart: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('fail-writes' as const),
      scope: fc.constantFrom('groups' as const, 'one'),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('fill-disk' as const),
      ms: fc.constantFrom(100, 7 * second, 2 * minute, 33 * minute),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('kill' as const),
      when: fc.constantFrom('now' as const, 'before-commit', 'after-commit'),
      downMs,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('close' as const), downMs }) },
)

/** Operations without faults: every command must have exactly its effect. */
const faultFreeOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 3, arbitrary: createArbitrary },
  { weight: 5, arbitrary: commandArbitrary },
  { weight: 6, arbitrary: advanceArbitrary },
)

const settings = {
  seed: fc.noShrink(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
  concurrency: fc.integer({ min: 1, max: 4 }),
  sweepIntervalMs: fc.constantFrom(5 * second, 15 * second, 30 * second),
}

/** All possible plans; one in six is without faults. */
export const planArbitrary: fc.Arbitrary<SimulationPlan> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      ...settings,
      faultProfile,
      operations: fc
        .tuple(
          fc.array(createArbitrary, { minLength: 1, maxLength: 5, size: 'max' }),
          advanceArbitrary,
          fc.array(operation, { minLength: 12, maxLength: 60, size: 'max' }),
        )
        .map(([creates, first, operations]): Operation[] => [...creates, first, ...operations]),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      ...settings,
      faultProfile: fc.constant<FaultProfileName>('none'),
      operations: fc.array(faultFreeOperation, { minLength: 6, maxLength: 30, size: 'max' }),
    }),
  },
)

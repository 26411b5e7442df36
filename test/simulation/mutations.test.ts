import { expect, it } from 'vitest'
import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import { ok } from '../../src/workspace/fault.ts'
import { simulatedOperator } from './simulation.ts'
import { runSimulation } from './run-simulation.ts'
import { ownInstallation } from './engine/faulty-engine.ts'
import { simulationDatabase } from './simulation-database.ts'
import type { Mutation } from './simulated-process.ts'

const seeds = 40

/** Returns the first violation in the first simulation that has one. */
async function firstViolation(mutation: Mutation): Promise<string> {
  const disk = simulationDatabase()
  try {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const [first] = await runSimulation(disk, seed, { mutation })
      if (first !== undefined) return first
    }
    return `no violation in ${seeds} simulations`
  } finally {
    disk.close()
  }
}

/** The transitions that a store keeps which loses one in five. */
const keptTransitions = (transitions: readonly TransitionRecord[]) =>
  transitions.filter(({ row }) => row.revision % 5 !== 3)

const mutations: readonly (readonly [description: string, mutation: Mutation, violation: RegExp])[] = [
  [
    'a provider that creates another container on each attempt',
    {
      provider: (provider, { host }) => ({
        ...provider,
        container(workspace, signal) {
          host.placeContainer(ownInstallation, workspace.id, false)
          return provider.container(workspace, signal)
        },
      }),
    },
    /has 2 containers/,
  ],
  [
    'a provider that does not remove containers',
    { provider: (provider) => ({ ...provider, remove: () => Promise.resolve(ok(undefined)) }) },
    /law 4: .*(outlives it|while its container exists)/,
  ],
  [
    'a provider that removes all containers',
    {
      provider: (provider, { host }) => ({
        ...provider,
        remove() {
          for (const container of host.containers.values()) host.removeContainer(container)
          return Promise.resolve(ok(undefined))
        },
      }),
    },
    /law 8: a foreign container was changed/,
  ],
  [
    'a provider that reports a boot without starting the container',
    { provider: (provider) => ({ ...provider, boot: () => Promise.resolve(ok({ connection: {} })) }) },
    /law 8|without any fault|a new workspace does not start/,
  ],
  [
    'a provider that returns an incomplete list',
    {
      provider: (provider) => ({
        ...provider,
        async list(signal) {
          const all = await provider.list(signal)
          return all.ok ? ok(all.value.slice(0, -1)) : all
        },
      }),
    },
    /has a reason that did not occur|law 8|without any fault/,
  ],
  [
    'a provider that never answers a stop',
    { provider: (provider) => ({ ...provider, stop: () => new Promise(() => {}) }) },
    /without any fault/,
  ],
  [
    'a store that loses transitions it has acknowledged',
    { store: (store) => ({ ...store, commit: (transitions) => store.commit(keptTransitions(transitions)) }) },
    /law [12]/,
  ],
  [
    'a service that accepts commands and does nothing',
    {
      supervisor: (supervisor) => ({
        ...supervisor,
        async send(id) {
          const view = supervisor.find(id, simulatedOperator)
          return view ? { kind: 'accepted', view } : { kind: 'not-found' }
        },
      }),
    },
    /law 2: .* was accepted but is not on disk/,
  ],
  [
    'a service that executes commands it reports as failed',
    {
      supervisor: (supervisor) => ({
        ...supervisor,
        async send(...args) {
          const result = await supervisor.send(...args)
          return result.kind === 'accepted' ? { kind: 'write-failed', error: new Error('no') } : result
        },
      }),
    },
    /law 2: .* which no client requested/,
  ],
  [
    'a service that shows every workspace to every user',
    { supervisor: (supervisor) => ({ ...supervisor, find: (id) => supervisor.find(id, simulatedOperator) }) },
    /law 11/,
  ],
]

it.each(mutations)('the checks detect %s', async (_, mutation, violation) => {
  expect((await firstViolation(mutation)).split('\n')[0]).toMatch(violation)
})

import { expect, it } from 'vitest'
import type { TransitionRecord } from '../../src/persistence/workspace-row.ts'
import { ok } from '../../src/workspace/fault.ts'
import { simulatedOperator } from './simulation.ts'
import { runSimulation } from './run-simulation.ts'
import { ownInstallation } from './engine/faulty-engine.ts'
import { simulationDatabase } from './simulation-database.ts'
import type { Mutation } from './simulated-process.ts'

const seeds = 40

/** What is found in the first world that is found out. */
async function found(mutation: Mutation): Promise<string> {
  const disk = simulationDatabase()
  try {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const [first] = await runSimulation(disk, seed, { mutation })
      if (first !== undefined) return first
    }
    return `nothing in ${seeds} worlds`
  } finally {
    disk.close()
  }
}

/** What a store that forgets one in five of the steps answers. */
const forgettingStore = (steps: readonly TransitionRecord[]) => steps.filter(({ row }) => row.revision % 5 !== 3)

const mutations: readonly (readonly [what: string, spoil: Mutation, finding: RegExp])[] = [
  [
    'a provider that makes another container at each try',
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
    'a provider that forgets to remove',
    { provider: (provider) => ({ ...provider, remove: () => Promise.resolve(ok(undefined)) }) },
    /law 4: .*(outlives it|while its container is there)/,
  ],
  [
    'a provider that removes everything',
    {
      provider: (provider, { host }) => ({
        ...provider,
        remove() {
          for (const container of host.containers.values()) host.removeContainer(container)
          return Promise.resolve(ok(undefined))
        },
      }),
    },
    /law 8: a container that is none of the service’s was touched/,
  ],
  [
    'a provider that says it runs, and does not run it',
    { provider: (provider) => ({ ...provider, boot: () => Promise.resolve(ok({ connection: {} })) }) },
    /law 8|nothing went wrong, yet|a new workspace does not come up/,
  ],
  [
    'a provider that passes a short list off as all',
    {
      provider: (provider) => ({
        ...provider,
        async list(signal) {
          const all = await provider.list(signal)
          return all.ok ? ok(all.value.slice(0, -1)) : all
        },
      }),
    },
    /is said to have met what it has not|law 8|nothing went wrong/,
  ],
  [
    'a provider that never answers a halt',
    { provider: (provider) => ({ ...provider, stop: () => new Promise(() => {}) }) },
    /nothing went wrong, yet/,
  ],
  [
    'a store that forgets what it says it has taken',
    { store: (store) => ({ ...store, commit: (steps) => store.commit(forgettingStore(steps)) }) },
    /law [12]/,
  ],
  [
    'a service that accepts and does nothing',
    {
      supervisor: (supervisor) => ({
        ...supervisor,
        async send(id) {
          const view = supervisor.find(id, simulatedOperator)
          return view ? { kind: 'accepted', view } : { kind: 'not-found' }
        },
      }),
    },
    /law 2: .* was accepted and is not on the disk/,
  ],
  [
    'a service that does what it says it has not done',
    {
      supervisor: (supervisor) => ({
        ...supervisor,
        async send(...args) {
          const result = await supervisor.send(...args)
          return result.kind === 'accepted' ? { kind: 'write-failed', error: new Error('no') } : result
        },
      }),
    },
    /law 2: .* which nobody asked for/,
  ],
  [
    'a service that shows everybody everything',
    { supervisor: (supervisor) => ({ ...supervisor, find: (id) => supervisor.find(id, simulatedOperator) }) },
    /law 11/,
  ],
]

it.each(mutations)('the checks detect %s', async (_, mutation, finding) => {
  expect((await found(mutation)).split('\n')[0]).toMatch(finding)
})

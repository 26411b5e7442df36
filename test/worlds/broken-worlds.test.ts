import { expect, it } from 'vitest'
import type { WrittenStep } from '../../src/persistence/workspace-row.ts'
import { done } from '../../src/workspace/fault.ts'
import { operator } from './simulated-world.ts'
import { runWorld } from './run-world.ts'
import { ours } from './unruly-engine.ts'
import { worldDisk } from './world-disk.ts'
import type { Spoil } from './world-process.ts'

const seeds = 40

/** What is found in the first world that is found out. */
async function found(spoil: Spoil): Promise<string> {
  const disk = worldDisk()
  try {
    for (let seed = 1; seed <= seeds; seed += 1) {
      const [first] = await runWorld(disk, seed, { spoil })
      if (first !== undefined) return first
    }
    return `nothing in ${seeds} worlds`
  } finally {
    disk.close()
  }
}

/** What a store that forgets one in five of the steps answers. */
const forgetful = (steps: readonly WrittenStep[]) => steps.filter(({ row }) => row.revision % 5 !== 3)

const broken: readonly (readonly [what: string, spoil: Spoil, finding: RegExp])[] = [
  [
    'a provider that makes another container at each try',
    {
      provider: (provider, { host }) => ({
        ...provider,
        container(subject, signal) {
          host.place(ours, subject.id, false)
          return provider.container(subject, signal)
        },
      }),
    },
    /has 2 containers/,
  ],
  [
    'a provider that forgets to remove',
    { provider: (provider) => ({ ...provider, remove: () => Promise.resolve(done(undefined)) }) },
    /law 4: .*(outlives it|while its container is there)/,
  ],
  [
    'a provider that removes everything',
    {
      provider: (provider, { host }) => ({
        ...provider,
        remove() {
          for (const container of host.containers.values()) host.remove(container)
          return Promise.resolve(done(undefined))
        },
      }),
    },
    /law 8: a container that is none of the service’s was touched/,
  ],
  [
    'a provider that says it runs, and does not run it',
    { provider: (provider) => ({ ...provider, boot: () => Promise.resolve(done({ connection: {} })) }) },
    /law 8|nothing went wrong, yet|a new workspace does not come up/,
  ],
  [
    'a provider that passes a short list off as all',
    {
      provider: (provider) => ({
        ...provider,
        async inventory(signal) {
          const all = await provider.inventory(signal)
          return all.ok ? done(all.value.slice(0, -1)) : all
        },
      }),
    },
    /is said to have met what it has not|law 8|nothing went wrong/,
  ],
  [
    'a provider that never answers a halt',
    { provider: (provider) => ({ ...provider, halt: () => new Promise(() => {}) }) },
    /nothing went wrong, yet/,
  ],
  [
    'a store that forgets what it says it has taken',
    { store: (store) => ({ ...store, keep: (steps) => store.keep(forgetful(steps)) }) },
    /law [12]/,
  ],
  [
    'a service that accepts and does nothing',
    {
      supervisor: (supervisor) => ({
        ...supervisor,
        async tell(id) {
          const seen = supervisor.look(id, operator)
          return seen ? { kind: 'accepted', seen } : { kind: 'unknown' }
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
        async tell(...asked) {
          const told = await supervisor.tell(...asked)
          return told.kind === 'accepted' ? { kind: 'not-written', error: new Error('no') } : told
        },
      }),
    },
    /law 2: .* which nobody asked for/,
  ],
  [
    'a service that shows everybody everything',
    { supervisor: (supervisor) => ({ ...supervisor, look: (id) => supervisor.look(id, operator) }) },
    /law 11/,
  ],
]

it.each(broken)('%s is found out', async (_, spoil, finding) => {
  expect((await found(spoil)).split('\n')[0]).toMatch(finding)
})

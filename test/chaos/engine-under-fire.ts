import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { clientOf } from '../engine/client.ts'
import { startEngine } from '../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { workspaceOf } from '../../src/provider/docker/labels.ts'

/** A container as the engine has it, whoever believes what of it. */
export interface ContainerSeen {
  readonly id: string
  readonly workspace: string
  readonly running: boolean
}

/** An engine that outlives the services that it serves, and what somebody does to it by hand. */
export interface EngineUnderFire {
  readonly kind: 'fake' | 'live'
  readonly dockerHost: string
  readonly image: string
  containers(): Promise<readonly ContainerSeen[]>
  /** Ends what runs in the container. */
  kill(id: string): Promise<void>
  remove(id: string): Promise<void>
  /** From now on, or no more, it now and then refuses, or does what it was asked and says that it did not. */
  faults(on: boolean): Promise<void>
  close(): Promise<void>
}

/** What the played engine's process answers. */
interface Played {
  readonly id: number
  readonly containers: readonly {
    readonly id: string
    readonly labels: Record<string, string>
    readonly state: string
  }[]
}

/** An engine that is played, in a process of its own on a socket in `folder`. */
export async function fakeEngine(folder: string, seed: number): Promise<EngineUnderFire> {
  const socket = join(folder, 'engine.sock')
  const child = fork(join(import.meta.dirname, 'engine-child.ts'), [socket, String(seed), 'base:1'], {
    execArgv: ['--import', 'tsx'],
  })
  await once(child, 'message')
  const waiting = new Map<number, (containers: Played['containers']) => void>()
  let last = 0
  child.on('message', ({ id, containers }: Played) => {
    waiting.get(id)?.(containers)
    waiting.delete(id)
  })
  async function tell(verb: string, value?: string): Promise<readonly ContainerSeen[]> {
    const id = (last += 1)
    const answered = new Promise<Played['containers']>((resolve, reject) => {
      waiting.set(id, resolve)
      child.send({ id, verb, value }, (error) => {
        if (error) reject(error)
      })
    })
    return (await answered).map(({ id, labels, state }) => ({
      id,
      workspace: workspaceOf(labels) ?? '',
      running: state === 'running',
    }))
  }
  return {
    kind: 'fake',
    dockerHost: `unix://${socket}`,
    image: 'base:1',
    containers: () => tell('containers'),
    async kill(id) {
      await tell('die', id)
    },
    async remove(id) {
      await tell('vanish', id)
    },
    async faults(on) {
      await tell('faults', on ? 'on' : 'off')
    },
    async close() {
      const ended = once(child, 'exit')
      child.disconnect()
      await ended
    },
  }
}

/** A Docker engine of the test's own. */
export async function dockerEngine(): Promise<EngineUnderFire> {
  const engine = await startEngine()
  const docker = clientOf(engine.target)
  await ensureBaseImage(docker)
  const gone = () => undefined // what is gone already, or ended already, is what was wanted
  return {
    kind: 'live',
    dockerHost: engine.target.described,
    image: baseImage,
    async containers() {
      const all = await docker.listContainers({ all: true })
      return all.map(({ Id, Labels, State }) => ({
        id: Id,
        workspace: workspaceOf(Labels) ?? '',
        running: State === 'running',
      }))
    },
    kill: (id) => docker.getContainer(id).kill().then(gone, gone),
    remove: (id) => docker.getContainer(id).remove({ force: true, v: true }).then(gone, gone),
    faults: async () => {}, // a real one has its own
    close: engine.close,
  }
}

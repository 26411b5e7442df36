import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { dockerClient } from '../engine/docker-client.ts'
import { startEngine } from '../engine/engine-process.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { workspaceIdOfLabels } from '../../src/provider/docker/engine/labels.ts'

/** A container in the engine, regardless of what the service knows. */
export interface EngineContainer {
  readonly id: string
  readonly workspace: string
  readonly running: boolean
}

/** An engine that outlives the services under test, with access that bypasses them. */
export interface ChaosEngine {
  readonly kind: 'fake' | 'live'
  readonly dockerHost: string
  readonly image: string
  containers(): Promise<readonly EngineContainer[]>
  /** Kills the processes of the container. */
  kill(id: string): Promise<void>
  remove(id: string): Promise<void>
  /** Enables or disables random faults: refusals, and failures of requests that took effect. */
  setFaults(enabled: boolean): Promise<void>
  close(): Promise<void>
}

/** A message from the process of the simulated engine. */
interface EngineReply {
  readonly id: number
  readonly containers: readonly {
    readonly id: string
    readonly labels: Record<string, string>
    readonly state: string
  }[]
}

/** A simulated engine in its own process, on a socket in `folder`. */
export async function simulatedChaosEngine(folder: string, seed: number): Promise<ChaosEngine> {
  const socket = join(folder, 'engine.sock')
  const child = fork(join(import.meta.dirname, 'chaos-engine-child.ts'), [socket, String(seed), 'base:1'], {
    execArgv: ['--import', 'tsx'],
  })
  await once(child, 'message')
  const pendingReplies = new Map<number, (containers: EngineReply['containers']) => void>()
  let lastId = 0
  child.on('message', ({ id, containers }: EngineReply) => {
    pendingReplies.get(id)?.(containers)
    pendingReplies.delete(id)
  })
  async function sendCommand(verb: string, value?: string): Promise<readonly EngineContainer[]> {
    const id = (lastId += 1)
    const reply = new Promise<EngineReply['containers']>((resolve, reject) => {
      pendingReplies.set(id, resolve)
      child.send({ id, verb, value }, (error) => {
        if (error) reject(error)
      })
    })
    return (await reply).map(({ id, labels, state }) => ({
      id,
      workspace: workspaceIdOfLabels(labels) ?? '',
      running: state === 'running',
    }))
  }
  return {
    kind: 'fake',
    dockerHost: `unix://${socket}`,
    image: 'base:1',
    containers: () => sendCommand('containers'),
    async kill(id) {
      await sendCommand('die', id)
    },
    async remove(id) {
      await sendCommand('vanish', id)
    },
    async setFaults(enabled) {
      await sendCommand('faults', enabled ? 'on' : 'off')
    },
    async close() {
      const exited = once(child, 'exit')
      child.disconnect()
      await exited
    },
  }
}

/** A Docker engine that belongs to the test. */
export async function dockerChaosEngine(): Promise<ChaosEngine> {
  const engine = await startEngine()
  const docker = dockerClient(engine.target)
  await ensureBaseImage(docker)
  const ignoreResult = () => undefined // an error means that the container has already exited or been removed
  return {
    kind: 'live',
    dockerHost: engine.target.description,
    image: baseImage,
    async containers() {
      const all = await docker.listContainers({ all: true })
      return all.map(({ Id, Labels, State }) => ({
        id: Id,
        workspace: workspaceIdOfLabels(Labels) ?? '',
        running: State === 'running',
      }))
    },
    kill: (id) => docker.getContainer(id).kill().then(ignoreResult, ignoreResult),
    remove: (id) => docker.getContainer(id).remove({ force: true, v: true }).then(ignoreResult, ignoreResult),
    setFaults: async () => {}, // a real engine has faults of its own
    close: engine.close,
  }
}

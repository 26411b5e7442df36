import { simulatedClients } from './simulated-clients.ts'
import { checkInvariants } from './checks/invariants.ts'
import { isDeleteAcknowledged } from './ledger.ts'
import type { LedgerWorkspace } from './ledger.ts'
import type { Simulation } from './simulation.ts'
import { ownInstallation } from './engine/faulty-engine.ts'
import type { Operation } from './plan.ts'

/** Performs operations one by one. Invariants are checked after each, and after each timer. */
export function operationRunner(simulation: Simulation) {
  const { random, clock, engine, storeFaults, ledger, log } = simulation
  const client = simulatedClients(simulation)

  /** Picks a workspace that is not deleted; sometimes, the first one, which may be. */
  const pickWorkspace = (which: number): LedgerWorkspace | undefined => {
    const workspaces = ledger.all()
    const notDeleted = workspaces.filter((workspace) => !isDeleteAcknowledged(workspace))
    return which === 11 ? workspaces[0] : notDeleted[which % Math.max(1, notDeleted.length)]
  }

  function changeContainer(which: number, action: (Operation & { kind: 'container' })['action']) {
    const containers = [...engine.host.containers.values()].filter(
      ({ installation, containerId }) =>
        installation === ownInstallation && containerId !== simulation.foreignContainers.unknownWorkspace,
    )
    const container = containers[which % Math.max(1, containers.length)]
    if (!container) return
    const { host } = engine
    log(`by hand: ${action} ${ledger.find(container.workspaceId)?.label}`)
    const exit = { code: 137, outOfMemory: action === 'out-of-memory', wentDownWithEngine: false }
    if (action === 'remove') {
      host.recordEvent(container.workspaceId, 'removed')
      return host.removeContainer(container)
    }
    if (action !== 'run') {
      host.recordEvent(container.workspaceId, action === 'out-of-memory' ? 'out-of-memory' : 'ended')
      host.endContainer(container, exit)
    }
    if (action === 'kill' || action === 'out-of-memory') return
    host.recordEvent(container.workspaceId, 'run-by-hand')
    host.runContainer(container)
  }

  async function restartProcess(mode: 'kill' | 'close', downMs: number) {
    log(mode)
    simulation.recordDisturbance()
    await simulation.stop(mode)
    await clock.advance(downMs)
    simulation.start()
  }

  async function perform(operation: Operation): Promise<void> {
    switch (operation.kind) {
      case 'create':
        return client.create(operation)
      case 'start':
      case 'stop':
      case 'restart':
      case 'delete':
        return withWorkspace(operation.which, (workspace) => client.send(workspace, { type: operation.kind }))
      case 'rename':
        return withWorkspace(operation.which, (workspace) =>
          client.send(workspace, { type: 'update', name: `n${operation.name}` }),
        )
      case 'renew':
        return withWorkspace(operation.which, (workspace) =>
          client.send(workspace, { type: 'update', ttlSeconds: operation.ttlSeconds }),
        )
      case 'command-as-other':
        return withWorkspace(operation.which, client.sendAsOther)
      case 'advance':
        return await clock.advance(operation.ms)
      case 'freeze':
        log(`the process is frozen for ${operation.ms} ms`)
        simulation.recordDisturbance()
        simulation.blockedUntil = clock.monotonic() + operation.ms
        return await clock.freeze(operation.ms)
      case 'jump':
        await clock.settle() // a clock cannot jump between a decision and its commit, which is one turn later
        log(`the wall clock jumps by ${operation.ms} ms`)
        simulation.jumps.push({ moment: clock.monotonic(), ms: operation.ms })
        return clock.setWallClock(operation.ms)
      case 'container':
        return changeContainer(operation.which, operation.action)
      case 'set-fault-profile':
        log(`the engine's fault profile is ${operation.faultProfile}`)
        return engine.setFaultProfile(operation.faultProfile)
      case 'disconnect':
        log(`the engine is unavailable for ${operation.ms} ms${operation.restart ? ', and restarts' : ''}`)
        simulation.recordDisturbance()
        clock.timer(operation.ms, simulation.recordDisturbance)
        return engine.disconnect(operation.ms, operation.restart)
      case 'fail-writes':
        storeFaults[operation.scope] = operation.count
        return
      case 'fill-disk':
        log(`the disk is full for ${operation.ms} ms`)
        storeFaults.full = true
        clock.timer(operation.ms, () => (storeFaults.full = false))
        return
      case 'kill':
        if (operation.when === 'now') return await restartProcess('kill', operation.downMs)
        storeFaults.crash = operation.when
        return
      case 'close':
        return await restartProcess('close', operation.downMs)
    }
  }

  function withWorkspace(which: number, command: (workspace: LedgerWorkspace) => void) {
    const workspace = pickWorkspace(which)
    if (workspace) command(workspace)
  }

  function check() {
    checkInvariants(simulation)
    client.checkUnrequested()
  }

  return {
    check,
    client,
    async run(operation: Operation): Promise<void> {
      await perform(operation)
      // Half of the commands are sent in the same turn as the next one, without waiting for each other's commit.
      if (simulation.process() && random.chance(0.5)) {
        await clock.settle()
        check()
      }
      if (simulation.process()) return
      await clock.settle()
      await simulation.removeDeadProcess()
      simulation.start()
    },
    /** Ends all faults: the engine and the disk work, and a process runs. */
    async endFaults() {
      await clock.settle()
      if (!simulation.process() || storeFaults.full || engine.disconnected()) simulation.recordDisturbance()
      Object.assign(storeFaults, { groups: 0, one: 0, full: false, crash: null })
      engine.setFaultProfile('none')
      engine.reconnect()
      await simulation.removeDeadProcess()
      simulation.start()
    },
  }
}

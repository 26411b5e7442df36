import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { LifecycleCommand } from '../../../workspace/spec.ts'
import type { OutputChunk } from '../../../workspace/guest-process.ts'
import type { WorkspaceRef } from '../../../workspace/workspace-ref.ts'
import type { Engine } from '../engine/engine.ts'
import { runInContainer } from '../guest/run-in-container.ts'
import { killLeftoverCommands, containerCommandVariable } from './leftover-commands.ts'
import type { ContainerRef } from '../observe/inspect.ts'
import type { OutputTail } from '../engine/output-tail.ts'
import { throttle } from './throttle.ts'
import { abortableDelay } from '../engine/with-deadline.ts'
import { containerLiveness } from '../observe/liveness.ts'

/**
 * Step `setup`: runs the lifecycle commands in the running container, in order, as the recipe's user, in its folder.
 * May be repeated: a command of an earlier setup that still runs, because the service was killed meanwhile, is ended
 * first. `told` hears all that the commands write.
 */
export async function setup(
  engine: Engine,
  workspace: WorkspaceRef,
  signal: AbortSignal,
  onProgress: (text: string) => void,
  onOutput: (command: string, output: OutputChunk) => void,
): Promise<Outcome<void>> {
  const { containerId, spec, prepared } = workspace
  if (containerId === null) return fault('missing', 'There is no container to set up.')
  const commands = [...(prepared ? [] : [...spec.onCreate, ...spec.postCreate]), ...spec.postStart]
  const chownsFolder = !prepared && spec.remoteUser !== null && !/^(root|0)(:|$)/.test(spec.remoteUser)
  // Our own keeper does not end by itself. The image's own command may, at once.
  if (commands.length === 0 && !chownsFolder && spec.overrideCommand) return ok(undefined)

  const container = { workspaceId: workspace.id, containerId }
  const liveness = await containerLiveness(engine, container, signal)
  if (!liveness.ok) return liveness
  if (commands.length > 0 && liveness.value.busy)
    await killLeftoverCommands(engine, containerId, spec.remoteUser, '', signal)
  if (chownsFolder) {
    // The engine makes the folder as root, and a user who may not write there can do nothing. One that cannot be given
    // away is left as it is: the image may have laid it out on purpose.
    const argv = ['chown', spec.remoteUser ?? '', spec.workspaceFolder]
    await runInContainer(engine, containerId, { argv, user: '0', cwd: null, env: {} }, engine.timeouts.readMs, signal)
  }
  const reportProgress = throttle(onProgress, 1000, () => performance.now())
  for (const command of commands) {
    onProgress(`running ${command.name}`)
    const onTail = (tail: OutputTail): void => reportProgress(() => `${command.name}: ${tail.lastLine()}`)
    const result = await runLifecycleCommand(engine, container, workspace, command, signal, onTail, (chunk) =>
      onOutput(command.name, chunk),
    )
    if (!result.ok) return result
  }
  return ok(undefined)
}

async function runLifecycleCommand(
  engine: Engine,
  container: ContainerRef,
  { spec }: WorkspaceRef,
  { name, run }: LifecycleCommand,
  signal: AbortSignal,
  onTail: (tail: OutputTail) => void,
  onChunk: (chunk: OutputChunk) => void,
): Promise<Outcome<void>> {
  const { containerId } = container
  const result = await runInContainer(
    engine,
    containerId,
    {
      argv: typeof run === 'string' ? ['/bin/sh', '-c', run] : run,
      user: spec.remoteUser,
      cwd: spec.workspaceFolder,
      env: { ...spec.remoteEnv, [containerCommandVariable]: name },
    },
    engine.timeouts.commandMs,
    signal,
    onTail,
    onChunk,
  )
  if (!result.ok && (result.fault.kind === 'unavailable' || signal.aborted)) return result
  if (result.ok && result.value.kind === 'exited' && result.value.code === 0) return ok(undefined)

  // A command also fails because its container went away under it; that says nothing about the command. The engine
  // ends the command first, and shows what becomes of the container a moment later.
  if (result.ok && result.value.kind === 'exited' && result.value.code === 137) await abortableDelay(500, signal)
  const liveness = await containerLiveness(engine, container, signal)
  if (!liveness.ok) return liveness
  if (!result.ok) return result
  const lastLines = result.value.output.tail()
  const output = lastLines === '' ? 'It wrote nothing.' : `Its last lines:\n${lastLines}`
  if (result.value.kind === 'exited') {
    const killed = result.value.code === 137 ? ' (killed, perhaps for memory)' : ''
    return fault('permanent', `${name} failed with exit code ${result.value.code}${killed}. ${output}`)
  }
  await killLeftoverCommands(engine, containerId, spec.remoteUser, name, signal)
  const limit = engine.timeouts.commandMs / 60_000
  return fault('permanent', `${name} did not end within ${limit} minutes and was killed. ${output}`)
}

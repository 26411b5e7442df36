import { done, fault, type Outcome } from '../../workspace/fault.ts'
import type { LifecycleCommand } from '../../workspace/recipe.ts'
import type { RunOutput } from '../../workspace/run.ts'
import type { Subject } from '../../workspace/subject.ts'
import type { Engine } from './engine.ts'
import { exec } from './exec.ts'
import { endLeftovers, mark } from './leftovers.ts'
import type { Belonging } from './look.ts'
import type { Output } from './output.ts'
import { paced } from './pace.ts'
import { pause } from './race.ts'
import { vitality } from './vitality.ts'

/**
 * Step `setup`: runs the lifecycle commands in the running container, in order, as the recipe's user, in its folder.
 * May be repeated: a command of an earlier setup that still runs, because the service was killed meanwhile, is ended
 * first. `told` hears all that the commands write.
 */
export async function setup(
  engine: Engine,
  installation: string,
  subject: Subject,
  signal: AbortSignal,
  progress: (words: string) => void,
  told: (command: string, output: RunOutput) => void,
): Promise<Outcome<void>> {
  const { containerId: id, recipe, prepared } = subject
  if (id === null) return fault('gone', 'There is no container to set up.')
  const commands = [...(prepared ? [] : [...recipe.onCreate, ...recipe.postCreate]), ...recipe.postStart]
  const owns = !prepared && recipe.remoteUser !== null && !/^(root|0)(:|$)/.test(recipe.remoteUser)
  // Our own keeper does not end by itself. The image's own command may, at once.
  if (commands.length === 0 && !owns && recipe.overrideCommand) return done(undefined)

  const belonging = { installation, workspace: subject.id }
  const alive = await vitality(engine, belonging, id, signal)
  if (!alive.ok) return alive
  if (commands.length > 0 && alive.value.busy) await endLeftovers(engine, id, recipe.remoteUser, '', signal)
  if (owns) {
    // The engine makes the folder as root, and a user who may not write there can do nothing. One that cannot be given
    // away is left as it is: the image may have laid it out on purpose.
    const argv = ['chown', recipe.remoteUser ?? '', recipe.workspaceFolder]
    await exec(engine, id, { argv, user: '0', folder: null, env: {} }, engine.deadlines.read, signal)
  }
  const say = paced(progress, 1000, () => performance.now())
  for (const command of commands) {
    progress(`running ${command.name}`)
    const heard = (output: Output): void => say(() => `${command.name}: ${output.lastLine()}`)
    const ran = await runOne(engine, belonging, id, subject, command, signal, heard, (output) =>
      told(command.name, output),
    )
    if (!ran.ok) return ran
  }
  return done(undefined)
}

async function runOne(
  engine: Engine,
  belonging: Belonging,
  id: string,
  { recipe }: Subject,
  { name, run }: LifecycleCommand,
  signal: AbortSignal,
  heard: (output: Output) => void,
  each: (output: RunOutput) => void,
): Promise<Outcome<void>> {
  const ended = await exec(
    engine,
    id,
    {
      argv: typeof run === 'string' ? ['/bin/sh', '-c', run] : run,
      user: recipe.remoteUser,
      folder: recipe.workspaceFolder,
      env: { ...recipe.remoteEnv, [mark]: name },
    },
    engine.deadlines.command,
    signal,
    heard,
    each,
  )
  if (!ended.ok && (ended.fault.again === 'away' || signal.aborted)) return ended
  if (ended.ok && ended.value.kind === 'exited' && ended.value.code === 0) return done(undefined)

  // A command also fails because its container went away under it; that says nothing about the command. The engine
  // ends the command first, and shows what becomes of the container a moment later.
  if (ended.ok && ended.value.kind === 'exited' && ended.value.code === 137) await pause(500, signal)
  const alive = await vitality(engine, belonging, id, signal)
  if (!alive.ok) return alive
  if (!ended.ok) return ended
  const lines = ended.value.output.tail()
  const output = lines === '' ? 'It wrote nothing.' : `Its last lines:\n${lines}`
  if (ended.value.kind === 'exited') {
    const killed = ended.value.code === 137 ? ' (killed, perhaps for memory)' : ''
    return fault('never', `${name} failed with exit code ${ended.value.code}${killed}. ${output}`)
  }
  await endLeftovers(engine, id, recipe.remoteUser, name, signal)
  const limit = engine.deadlines.command / 60_000
  return fault('never', `${name} did not end within ${limit} minutes and was killed. ${output}`)
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LifecycleCommand } from '../../../src/workspace/spec.ts'
import type { ProviderFixture } from './provider-fixture.ts'
import {
  faultOf,
  newWorkspaceRef,
  outputOfScript,
  runSetup,
  neverAborted,
  runningWorkspace,
  valueOf,
} from './provider-fixture.ts'

function command(name: string, run: string | readonly string[]): LifecycleCommand {
  return { name, run }
}

/** Lifecycle commands: which ones run, in what order, and what a failure reports. */
export function setupContract(createFixture: () => Promise<ProviderFixture>, realShell: boolean): void {
  let fixture: ProviderFixture
  beforeEach(async () => {
    fixture = await createFixture()
  })
  afterEach(() => fixture.close())

  const allCommands = {
    onCreate: [command('onCreateCommand', 'echo create >> order')],
    postCreate: [command('postCreateCommand.a', 'echo a >> order'), command('postCreateCommand.b', 'echo b >> order')],
    postStart: [command('postStartCommand', 'echo start >> order')],
  }

  describe('setting up', () => {
    it('a spec without commands is set up at once', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec()))
      valueOf(await runSetup(fixture.provider, workspace))
      valueOf(await runSetup(fixture.provider, workspace))
    })

    it('a command that fails is a permanent fault that names it and its exit code', async () => {
      const spec = fixture.newSpec({ postCreate: [command('postCreateCommand.server', 'exit 42')] })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      const { kind, message } = faultOf(await runSetup(fixture.provider, workspace))
      expect(kind).toBe('permanent')
      expect(message).toContain('postCreateCommand.server')
      expect(message).toContain('42')
    })

    it('a prepared container runs postStart only', async () => {
      const broken = [command('onCreateCommand', 'exit 1')]
      const spec = fixture.newSpec({
        onCreate: broken,
        postCreate: broken,
        postStart: [command('postStartCommand', 'true')],
      })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      valueOf(await runSetup(fixture.provider, { ...workspace, prepared: true }))
      expect(faultOf(await runSetup(fixture.provider, workspace)).message).toContain('onCreateCommand')
    })

    it.runIf(realShell)('commands run in order: onCreate, postCreate, postStart', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(allCommands)))
      valueOf(await runSetup(fixture.provider, workspace))
      expect(await outputOfScript(fixture.provider, workspace, 'cat order')).toBe('create\na\nb\nstart')
    })

    it.runIf(realShell)('a restart runs postStart only, and keeps the files', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(allCommands)))
      valueOf(await runSetup(fixture.provider, workspace))
      valueOf(await fixture.provider.stop(workspace, neverAborted()))
      valueOf(await fixture.provider.boot(workspace, neverAborted()))
      valueOf(await runSetup(fixture.provider, { ...workspace, prepared: true }))
      expect(await outputOfScript(fixture.provider, workspace, 'cat order')).toBe('create\na\nb\nstart\nstart')
    })

    it.runIf(realShell)('an interrupted setup runs again from its beginning', async () => {
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec(allCommands)))
      valueOf(await runSetup(fixture.provider, workspace))
      valueOf(await runSetup(fixture.restarted(), workspace))
      expect(await outputOfScript(fixture.provider, workspace, 'cat order')).toBe(
        'create\na\nb\nstart\ncreate\na\nb\nstart',
      )
    })

    it.runIf(realShell)('no command runs after one that failed', async () => {
      const onCreate = [command('onCreateCommand', 'echo create >> order; exit 3')]
      const workspace = await runningWorkspace(
        fixture.provider,
        newWorkspaceRef(fixture.newSpec({ ...allCommands, onCreate })),
      )
      expect(faultOf(await runSetup(fixture.provider, workspace)).kind).toBe('permanent')
      expect(await outputOfScript(fixture.provider, workspace, 'cat order')).toBe('create')
    })

    it.runIf(realShell)(
      'the message of a failure ends with the last lines of output, not with the whole log',
      async () => {
        const script =
          'i=0; while [ $i -lt 5000 ]; do echo "line $i of many"; i=$((i+1)); done; echo the reason >&2; exit 42'
        const spec = fixture.newSpec({ postCreate: [command('postCreateCommand', script)] })
        const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
        const { message } = faultOf(await runSetup(fixture.provider, workspace))
        expect(message).toContain('line 4999 of many')
        expect(message.trimEnd().endsWith('the reason')).toBe(true)
        expect(message.length).toBeLessThan(8_192)
      },
    )

    it.runIf(realShell)('an argument list is not interpreted by a shell', async () => {
      const run = [
        'sh',
        '-c',
        'printf "[%s]" "$@"; exit 7',
        'sh',
        '$HOME',
        '; echo no',
        '$(echo no)',
        "it's\ntwo lines",
      ]
      const workspace = await runningWorkspace(
        fixture.provider,
        newWorkspaceRef(fixture.newSpec({ onCreate: [command('onCreateCommand', run)] })),
      )
      const { message } = faultOf(await runSetup(fixture.provider, workspace))
      expect(message).toContain("[$HOME][; echo no][$(echo no)][it's\ntwo lines]")
    })

    it.runIf(realShell)('a program that does not exist is a fault that names it', async () => {
      const onCreate = [command('onCreateCommand', ['no-such-program-here', 'x'])]
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(fixture.newSpec({ onCreate })))
      const { kind, message } = faultOf(await runSetup(fixture.provider, workspace))
      expect(kind).toBe('permanent')
      expect(message).toContain('no-such-program-here')
    })

    it.runIf(realShell)('a background child that holds the output open does not delay the setup', async () => {
      const spec = fixture.newSpec({ postStart: [command('postStartCommand', 'sleep 300 & echo begun')] })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      const startedAt = performance.now()
      valueOf(await runSetup(fixture.provider, workspace))
      expect(performance.now() - startedAt).toBeLessThan(15_000)
    })

    it.runIf(realShell)('commands run in the workspace folder with the environment of the spec', async () => {
      const oddValue = 'a b\'c"d$(echo no)`echo no`\nline two'
      const spec = fixture.newSpec({
        containerEnv: { INNER: oddValue, BOTH: 'container' },
        remoteEnv: { OUTER: 'x y', BOTH: 'remote' },
      })
      const workspace = await runningWorkspace(fixture.provider, newWorkspaceRef(spec))
      const output = await outputOfScript(fixture.provider, workspace, 'printf "%s|%s|%s\\n" "$INNER" "$OUTER" "$BOTH"')
      expect(output).toBe(`${oddValue}|x y|remote`)
    })
  })
}

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { LifecycleCommand } from '../../src/workspace/recipe.ts'
import type { Bench } from './bench.ts'
import { faultOf, newSubject, printed, setup, unhurried, up, valueOf } from './bench.ts'

function command(name: string, run: string | readonly string[]): LifecycleCommand {
  return { name, run }
}

/** Lifecycle commands: which, in what order, and what is told of the one that fails. */
export function setupContract(make: () => Promise<Bench>, shell: boolean): void {
  let bench: Bench
  beforeEach(async () => {
    bench = await make()
  })
  afterEach(() => bench.close())

  const everyKind = {
    onCreate: [command('onCreateCommand', 'echo create >> order')],
    postCreate: [command('postCreateCommand.a', 'echo a >> order'), command('postCreateCommand.b', 'echo b >> order')],
    postStart: [command('postStartCommand', 'echo start >> order')],
  }

  describe('setting up', () => {
    it('a recipe without commands is set up at once', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe()))
      valueOf(await setup(bench.provider, subject))
      valueOf(await setup(bench.provider, subject))
    })

    it('a command that fails is never to be tried again, and the message names it and its exit code', async () => {
      const recipe = bench.recipe({ postCreate: [command('postCreateCommand.server', 'exit 42')] })
      const subject = await up(bench.provider, newSubject(recipe))
      const { again, message } = faultOf(await setup(bench.provider, subject))
      expect(again).toBe('never')
      expect(message).toContain('postCreateCommand.server')
      expect(message).toContain('42')
    })

    it('a container that is prepared runs only what belongs to each start', async () => {
      const broken = [command('onCreateCommand', 'exit 1')]
      const recipe = bench.recipe({
        onCreate: broken,
        postCreate: broken,
        postStart: [command('postStartCommand', 'true')],
      })
      const subject = await up(bench.provider, newSubject(recipe))
      valueOf(await setup(bench.provider, { ...subject, prepared: true }))
      expect(faultOf(await setup(bench.provider, subject)).message).toContain('onCreateCommand')
    })

    it.runIf(shell)('commands run in order: onCreate, postCreate, postStart', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe(everyKind)))
      valueOf(await setup(bench.provider, subject))
      expect(await printed(bench.provider, subject, 'cat order')).toBe('create\na\nb\nstart')
    })

    it.runIf(shell)('a restart runs postStart alone, and finds the files as they were', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe(everyKind)))
      valueOf(await setup(bench.provider, subject))
      valueOf(await bench.provider.halt(subject, unhurried()))
      valueOf(await bench.provider.boot(subject, unhurried()))
      valueOf(await setup(bench.provider, { ...subject, prepared: true }))
      expect(await printed(bench.provider, subject, 'cat order')).toBe('create\na\nb\nstart\nstart')
    })

    it.runIf(shell)('a setup that was cut off is run again from its beginning', async () => {
      const subject = await up(bench.provider, newSubject(bench.recipe(everyKind)))
      valueOf(await setup(bench.provider, subject))
      valueOf(await setup(bench.again(), subject))
      expect(await printed(bench.provider, subject, 'cat order')).toBe('create\na\nb\nstart\ncreate\na\nb\nstart')
    })

    it.runIf(shell)('nothing is run after a command that fails', async () => {
      const onCreate = [command('onCreateCommand', 'echo create >> order; exit 3')]
      const subject = await up(bench.provider, newSubject(bench.recipe({ ...everyKind, onCreate })))
      expect(faultOf(await setup(bench.provider, subject)).again).toBe('never')
      expect(await printed(bench.provider, subject, 'cat order')).toBe('create')
    })

    it.runIf(shell)(
      'the message of a failure ends with the last lines of its output, and is not a whole log',
      async () => {
        const script =
          'i=0; while [ $i -lt 5000 ]; do echo "line $i of many"; i=$((i+1)); done; echo the reason >&2; exit 42'
        const recipe = bench.recipe({ postCreate: [command('postCreateCommand', script)] })
        const subject = await up(bench.provider, newSubject(recipe))
        const { message } = faultOf(await setup(bench.provider, subject))
        expect(message).toContain('line 4999 of many')
        expect(message.trimEnd().endsWith('the reason')).toBe(true)
        expect(message.length).toBeLessThan(8_192)
      },
    )

    it.runIf(shell)('an argument list is seen by no shell', async () => {
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
      const subject = await up(
        bench.provider,
        newSubject(bench.recipe({ onCreate: [command('onCreateCommand', run)] })),
      )
      const { message } = faultOf(await setup(bench.provider, subject))
      expect(message).toContain("[$HOME][; echo no][$(echo no)][it's\ntwo lines]")
    })

    it.runIf(shell)('a program that does not exist is a failure that names it', async () => {
      const onCreate = [command('onCreateCommand', ['no-such-program-here', 'x'])]
      const subject = await up(bench.provider, newSubject(bench.recipe({ onCreate })))
      const { again, message } = faultOf(await setup(bench.provider, subject))
      expect(again).toBe('never')
      expect(message).toContain('no-such-program-here')
    })

    it.runIf(shell)('a child left in the background, holding the output open, does not hold up the setup', async () => {
      const recipe = bench.recipe({ postStart: [command('postStartCommand', 'sleep 300 & echo begun')] })
      const subject = await up(bench.provider, newSubject(recipe))
      const begun = performance.now()
      valueOf(await setup(bench.provider, subject))
      expect(performance.now() - begun).toBeLessThan(15_000)
    })

    it.runIf(shell)('commands run in the workspace folder with the environment of the recipe', async () => {
      const odd = 'a b\'c"d$(echo no)`echo no`\nline two'
      const recipe = bench.recipe({
        containerEnv: { INNER: odd, BOTH: 'container' },
        remoteEnv: { OUTER: 'x y', BOTH: 'remote' },
      })
      const subject = await up(bench.provider, newSubject(recipe))
      const shown = await printed(bench.provider, subject, 'printf "%s|%s|%s\\n" "$INNER" "$OUTER" "$BOTH"')
      expect(shown).toBe(`${odd}|x y|remote`)
    })
  })
}

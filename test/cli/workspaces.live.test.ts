import { expect, test } from 'vitest'
import { callApi } from '../service/service-process.ts'
import { useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()

test('a workspace is created, shown, stopped, started, extended and deleted by name', async () => {
  const { vm } = fixture()
  const created = await vm(['create', 'life', '--wait', '--ttl', '2h', '--metadata', '{"team":"blue"}'])
  expect(created).toMatchObject({ code: 0, stdout: 'Workspace "life" is running. Open a shell with: vm ssh life\n' })
  // The states, each with its elapsed time, are not on stdout.
  expect(created.stderr.split('\n').map((line) => line.replace(/^ +[\d.]+ s {2}/, ''))).toEqual([
    'creating.queued',
    'creating.image',
    'creating.container',
    'creating.boot',
    'creating.setup',
    'running.up',
    '',
  ])
  const shown = Object(JSON.parse((await vm(['show', 'life', '--json'])).stdout))
  expect(shown).toMatchObject({ name: 'life', ttl_seconds: 7200, metadata: { team: 'blue' } })
  expect((await vm(['stop', 'life'])).stdout).toBe('Workspace "life" is stopped.\n')
  expect((await vm(['start', 'life'])).stdout).toMatch(/^Workspace "life" is running\./)
  expect((await vm(['restart', 'life', '--json'])).stdout).toContain('"state":"running.up"')
  expect((await vm(['extend', 'life', 'never'])).stdout).toBe('Workspace "life" never expires.\n')
  const history = (await vm(['history', 'life'])).stdout.trimEnd().split('\n')
  expect(history[0]).toMatch(/^\S+Z\tcreate\tcreating\.queued\tuser:alice\t$/)
  expect(await vm(['rm', 'life', '--yes'])).toMatchObject({
    code: 0,
    stdout: 'Workspace "life" is deleted.\n',
    stderr: '',
  })
  expect((await vm(['history', String(shown.id)])).stdout).toContain('\tdeleted\t')
})

test('vm ls into a pipe prints tab-separated lines, untruncated', async () => {
  const { createWorkspace, vm, shell } = fixture()
  const [one, two] = [await createWorkspace('piped-one'), await createWorkspace('piped-two')]
  const lines = (await vm(['ls'])).stdout.trimEnd().split('\n')
  expect(lines.map((line) => line.split('\t').slice(0, 4))).toEqual([
    ['piped-two', two, 'running', 'running.up'],
    ['piped-one', one, 'running', 'running.up'],
  ])
  expect(await shell('$VM ls | head -1 | cut -f1; echo "${PIPESTATUS[0]}"')).toMatchObject({
    stdout: 'piped-two\n0\n',
    stderr: '',
  })
  await vm(['rm', '-y', 'piped-one', 'piped-two'])
  expect(await vm(['ls', '--json'])).toMatchObject({ stdout: '[]\n', stderr: '' })
})

test('a workspace is found by the start of its ID, and an ambiguous start lists the candidates', async () => {
  const { createWorkspace, url, vm } = fixture()
  const ids = new Map<string, string>()
  // Among seventeen IDs, two start with the same digit.
  for (let count = 0; count < 17; count++) {
    const { body } = await callApi(url, 'alice', 'POST', '/workspaces', { name: `w${count}` })
    ids.set(`w${count}`, String(body.id))
  }
  const all = [...ids]
  const [id = ''] = [...ids.values()]
  expect((await vm(['show', id.slice(0, 12)])).stdout).toContain(id)
  const digit =
    '0123456789abcdef'.split('').find((each) => all.filter(([, one]) => one.startsWith(each)).length > 1) ?? ''
  const matches = all.filter(([, one]) => one.startsWith(digit))
  const ambiguous = await vm(['show', digit])
  expect(ambiguous).toMatchObject({ code: 1, stdout: '' })
  for (const [name, one] of matches) expect(ambiguous.stderr).toMatch(new RegExp(`  ${name} +${one}`))
  // A name takes precedence over IDs.
  const named = await createWorkspace(digit)
  expect((await vm(['show', digit])).stdout).toContain(named)
  await vm(['rm', '-y', digit, ...ids.keys()])
}, 120_000)

test('nothing is deleted without confirmation, or if one of the names is wrong', async () => {
  const { createWorkspace, vm } = fixture()
  await createWorkspace('dear')
  const unconfirmed = await vm(['rm', 'dear'])
  expect(unconfirmed).toMatchObject({ code: 1, stdout: '' })
  expect(unconfirmed.stderr).toContain('--yes')
  const wrong = await vm(['rm', '--yes', 'dear', 'daer'])
  expect(wrong.code).toBe(1)
  expect(wrong.stderr).toContain('You have no workspace "daer". Nothing was deleted.')
  expect(wrong.stderr).toContain('Did you mean dear?')
  expect((await vm(['ls'])).stdout).toMatch(/^dear\t/)
  expect(await vm(['rm', '-y', 'dear'])).toMatchObject({ code: 0 })
})

test.each<[args: string[], code: number, message: RegExp, next: RegExp]>([
  [['lss'], 2, /unknown command 'lss'\n\(Did you mean ls\?\)/, /vm --help/],
  [['ls', '--wat'], 2, /unknown option '--wat'/, /vm ls --help/],
  [['create'], 2, /missing required argument 'name'/, /vm create --help/],
  [['create', 'x', '--ttl', '5'], 2, /"5" is not a duration/, /2h/],
  [['create', 'x', '--metadata', '[]'], 2, /not a JSON object/, /--metadata '\{/],
  [['create', 'x', '--template', 'nope'], 1, /There is no such template/, /vm templates/],
  [['show', 'nobody'], 1, /You have no workspace "nobody"/, /vm ls/],
  [['ls', '--url', 'http://127.0.0.1:1'], 1, /No service answers at http:\/\/127\.0\.0\.1:1\./, /vm serve.*VM_API_URL/],
  [['ls', '--url', 'nonsense'], 2, /not the URL of a service/, /http:\/\//],
  [['ls', '--header', 'nonsense'], 2, /not a header/, /Name: value/],
  [['ls', '--profile', 'nope'], 2, /no profile "nope"/, /cli\.json/],
  [['ls', '--user', 'a,b'], 1, /x-user header/, /--user/],
  [['completion', 'tcsh'], 2, /bash, zsh, fish/, /--help/],
])('vm %j exits with %i, says why and what to do next', async (args, code, message, hint) => {
  const result = await fixture().vm(args)
  expect(result).toMatchObject({ code, stdout: '' })
  expect(result.stderr).toMatch(/^vm: /)
  expect(result.stderr).toMatch(message)
  expect(result.stderr).toMatch(hint)
})

test('a command that the state does not allow names one that it does', async () => {
  const { createWorkspace, vm } = fixture()
  await createWorkspace('fits')
  expect((await vm(['start', 'fits'])).stderr).toMatch(/^vm: Workspace "fits" is already running\.\n.*vm ssh fits/)
  await vm(['stop', 'fits'])
  expect((await vm(['stop', 'fits'])).stderr).toMatch(/^vm: Workspace "fits" is already stopped\.\n.*vm start fits/)
  expect(JSON.parse((await vm(['stop', 'fits', '--json'])).stderr)).toMatchObject({ code: 'refused-in-state' })
  await vm(['rm', '-y', 'fits'])
})

test('vm without arguments lists every command on stdout', async () => {
  const { code, stderr, stdout } = await fixture().vm([])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const command of ['ls', 'create', 'ssh', 'exec', 'cp', 'logs', 'rm', 'completion', 'serve'])
    expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'))
  expect(stdout).not.toContain('__complete')
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100)
})

import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()

/** A server that records the headers of its requests. */
async function recordingServer(): Promise<{ readonly url: string; readonly requestHeaders: IncomingHttpHeaders[] }> {
  const requestHeaders: IncomingHttpHeaders[] = []
  const server = createServer((request, response) => {
    requestHeaders.push(request.headers)
    response.setHeader('content-type', 'application/json').end('[]')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requestHeaders }
}

test('options take precedence over --profile, the environment and the default profile, in this order', async () => {
  const { home, vm } = fixture()
  const [flagged, named, environment, usual] = [
    await recordingServer(),
    await recordingServer(),
    await recordingServer(),
    await recordingServer(),
  ]
  mkdirSync(join(home, '.vm'), { recursive: true })
  writeFileSync(
    join(home, '.vm/cli.json'),
    JSON.stringify({
      profile: 'usual',
      profiles: {
        usual: { url: usual.url, user: 'from-usual', headers: { 'X-Door': 'usual' } },
        named: { url: `${named.url}/`, user: 'from-named' },
        silent: { url: named.url, user: null },
      },
    }),
  )
  const env = { VM_API_URL: environment.url, VM_API_USER: 'from-env' }
  await vm(['ls', '--url', flagged.url, '--user', 'from-flag', '--profile', 'named', '--header', 'X-Door: front'], {
    env,
  })
  await vm(['ls', '--profile', 'named'], { env })
  await vm(['ls'], { env })
  await vm(['ls'], { env: { VM_API_URL: '', VM_API_USER: '' } })
  await vm(['--user', 'in-front', 'ls', '--profile', 'silent'], { env })
  await vm(['ls', '--profile', 'silent'], { env })
  const users = [flagged, named, environment, usual].map(({ requestHeaders }) =>
    requestHeaders.map((headers) => [headers['x-user'], headers['x-door']]),
  )
  expect(users).toEqual([
    [['from-flag', 'front']],
    [
      ['from-named', undefined],
      ['in-front', undefined],
      [undefined, undefined],
    ],
    [['from-env', 'usual']],
    [['from-usual', 'usual']],
  ])
})

test('completion offers commands, options, names and templates', async () => {
  const { createWorkspace, vm } = fixture()
  await createWorkspace('complete-me')
  const completed = async (...words: string[]) =>
    (await vm(['__complete', '--', ...words])).stdout.trimEnd().split('\n')
  expect(await completed('s')).toEqual(['show', 'start', 'stop', 'ssh', 'serve'])
  expect(await completed('ssh', 'comp')).toEqual(['complete-me'])
  expect(await completed('cp', 'comp')).toEqual(['complete-me:'])
  expect(await completed('create', '--template', 'no')).toEqual(['nodejs'])
  expect(await completed('create', '--te')).toEqual(['--template'])
  expect(await completed('completion', 'z')).toEqual(['zsh'])
  expect(await completed('exec', 'complete-me', '--', '')).toEqual([''])
  const unreachable = await vm(['__complete', '--', 'ssh', ''], { env: { VM_API_URL: 'http://127.0.0.1:1' } })
  expect(unreachable).toMatchObject({ code: 0, stdout: '', stderr: '' })
})

test('the bash script completes names of workspaces', async () => {
  const { createWorkspace, shell, vm } = fixture()
  await createWorkspace('by-bash')
  const { stdout: names } = await vm(['__complete', '--', 'ssh', ''])
  const { stdout } = await shell(
    'vm() { local IFS=" "; $VM "$@"; }; eval "$(vm completion bash)"; COMP_WORDS=(vm ssh ""); COMP_CWORD=2; _vm_complete 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}"',
  )
  expect(names).toContain('by-bash\n')
  expect(stdout).toBe(names)
})

import { createHash, randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fastify } from 'fastify'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { callApi } from '../service/service-process.ts'
import { waitForExit, useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture()
let id = ''
beforeAll(async () => {
  id = await fixture().createWorkspace('demo')
})

const hashOf = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

test('a command writes here what it writes, each stream apart, and its exit code is ours', async () => {
  const result = await fixture().vm(['exec', 'demo', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42'])
  expect(result).toMatchObject({ code: 42, stdout: 'out\n', stderr: 'err\n' })
})

test('binary data goes through a command either way, byte for byte', async () => {
  const { home, shell, vm } = fixture()
  const bytes = randomBytes(3_000_000)
  writeFileSync(join(home, 'random'), bytes)
  const piped = await shell('cat ~/random | $VM exec demo -- sh -c "cat > there; cat there" | sha256sum')
  expect(piped).toMatchObject({ stdout: `${hashOf(bytes)}  -\n`, stderr: '' })
  expect((await shell('$VM exec demo -- sha256sum < ~/random')).stdout).toBe(`${hashOf(bytes)}  -\n`)
  expect(hashOf((await vm(['exec', 'demo', '--', 'cat', 'there'])).bytes)).toBe(hashOf(bytes))
})

test.each<[what: string, command: string[], code: number]>([
  ['a program that is not there', ['no-such-program'], 127],
  ['a command that is killed', ['sh', '-c', 'kill -KILL $$'], 137],
  ['a command that is terminated', ['sh', '-c', 'kill -TERM $$'], 143],
])('%s ends with the code that a shell would give it', async (_what, command, code) => {
  expect((await fixture().vm(['exec', 'demo', '--', ...command])).code).toBe(code)
})

test('words are passed on as they are, options of the command too, with dashes or without', async () => {
  const { vm } = fixture()
  const words = ['printf', '<%s>', "it's", '$HOME', '', '-n', '--json', '*']
  const printed = "<it's><$HOME><><-n><--json><*>"
  expect((await vm(['exec', 'demo', '--', ...words])).stdout).toBe(printed)
  expect((await vm(['exec', 'demo', ...words])).stdout).toBe(printed)
  expect((await vm(['exec', '-e', 'A=1', 'demo', '-C', '/', '--', 'sh', '-c', 'echo $A$PWD'])).stdout).toBe('1/\n')
})

test('a time that is over ends a command with 124, and says so', async () => {
  const result = await fixture().vm(['exec', '--timeout', '1s', 'demo', '--', 'sleep', '100'])
  expect(result).toMatchObject({ code: 124, stdout: '' })
  expect(result.stderr).toContain('--timeout')
})

test('with --json stdout has the lines of the API and nothing else', async () => {
  const { stdout, code } = await fixture().vm(['exec', '--json', 'demo', '--', 'sh', '-c', "printf '\\377'; exit 4"])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => Object(JSON.parse(line)))
  expect(lines).toMatchObject([
    { seq: 1, stream: 'stdout', data: '/w==', encoding: 'base64' },
    { seq: 2, exit_code: 4 },
  ])
  expect(code).toBe(4)
})

test('a loop that reads a list keeps it with --no-stdin', async () => {
  const { stdout } = await fixture().shell('printf "a\\nb\\n" | while read x; do $VM exec -n demo -- echo $x; done')
  expect(stdout).toBe('a\nb\n')
})

/** Starts a script that says when it is there. */
async function begin(script: string) {
  const child = fixture().start(['exec', '-n', 'demo', '--', 'sh', '-c', script])
  const result = waitForExit(child)
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  return { child, ran: result }
}

test('Ctrl-C interrupts the command, which may say what becomes of it', async () => {
  const { child, ran: result } = await begin(
    'trap "echo interrupted; exit 9" INT; echo there; while :; do sleep 0.1; done',
  )
  child.kill('SIGINT')
  expect(await result).toMatchObject({ code: 9, stdout: 'there\ninterrupted\n' })
  const other = await begin('echo there; sleep 100')
  other.child.kill('SIGINT')
  expect((await other.ran).code).toBe(130)
})

test('a second Ctrl-C leaves a command that does not heed the first', async () => {
  const { child, ran: result } = await begin(
    'trap "echo heard" INT; echo there; while [ ! -e leave ]; do sleep 0.1; done; touch gone-on',
  )
  child.kill('SIGINT')
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  child.kill('SIGINT')
  const { code, stderr } = await result
  expect(code).toBe(130)
  expect(stderr).toContain('The command goes on')
  await fixture().vm(['exec', 'demo', '--', 'sh', '-c', 'touch leave; until [ -e gone-on ]; do sleep 0.1; done'])
})

test('whoever has read enough ends the command, without a word', async () => {
  const { shell, url } = fixture()
  expect(await shell('$VM exec demo -- yes | head -2; echo ${PIPESTATUS[0]}')).toMatchObject({
    stdout: 'y\ny\n141\n',
    stderr: '',
  })
  const { body } = await callApi(url, 'alice', 'GET', `/workspaces/${id}/exec`)
  const yes = body.find((run: { command: string | string[] }) => run.command[0] === 'yes')
  expect(yes).toMatchObject({ signal: 'SIGHUP' })
})

test('a command in a workspace that does not run says how to start it', async () => {
  const { createWorkspace, vm } = fixture()
  await createWorkspace('still')
  await vm(['stop', 'still'])
  const result = await vm(['exec', 'still', '--', 'true'])
  expect(result).toMatchObject({ code: 1, stdout: '' })
  expect(result.stderr).toContain('`vm start still`')
})

/** A way to the service on which the answer of a command is not read before that has ended. */
async function slowProxy(url: string): Promise<string> {
  const headers = { 'x-user': 'alice', 'content-type': 'application/json' }
  const untilEnded = async (runs: string): Promise<void> => {
    const [{ status }] = Object(await (await fetch(runs, { headers })).json())
    if (status !== 'ended') await untilEnded(runs)
  }
  const proxyUrl = fastify()
  onTestFinished(() => proxyUrl.close())
  proxyUrl.all('*', async ({ method, url: path, body }, reply) => {
    const request = { method, headers, ...(method === 'POST' && { body: JSON.stringify(body) }) }
    let response = await fetch(`${url}${path}`, request)
    if (method === 'POST') {
      await response.body?.cancel()
      await untilEnded(`${url}${path}`)
      response = await fetch(`${url}${path}`, request) // the same exec_id again: the same run
    }
    reply.header('content-type', response.headers.get('content-type'))
    return response.text()
  })
  return proxyUrl.listen({ port: 0, host: '127.0.0.1' })
}

test('output that is missing is told, and is no success', async () => {
  const { createWorkspace, url, vm } = fixture()
  await createWorkspace('unread')
  const proxyUrl = await slowProxy(url)
  const result = await vm(['--url', proxyUrl, 'exec', '-n', 'unread', '--', 'head', '-c', '3000000', '/dev/zero'])
  const missing = Number(/(\d+) bytes of output are missing here/.exec(result.stderr)?.[1])
  expect(result.bytes.length + missing).toBe(3_000_000)
  expect(result).toMatchObject({
    code: 1,
    stderr: expect.stringContaining(`${missing} bytes of its output are missing`),
  })
})

test('without a terminal, vm ssh runs what is piped in, or what stands behind the name', async () => {
  const { vm } = fixture()
  expect(await vm(['ssh', 'demo'], { input: 'echo piped; exit 6\n' })).toMatchObject({ code: 6, stdout: 'piped\n' })
  expect(await vm(['ssh', 'demo', 'echo', '$((6*7));', 'exit', '8'])).toMatchObject({ code: 8, stdout: '42\n' })
})

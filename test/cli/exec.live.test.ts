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

test('vm exec passes on stdout, stderr and the exit code', async () => {
  const result = await fixture().vm(['exec', 'demo', '--', 'sh', '-c', 'echo out; echo err >&2; exit 42'])
  expect(result).toMatchObject({ code: 42, stdout: 'out\n', stderr: 'err\n' })
})

test('binary stdin and stdout pass through byte for byte', async () => {
  const { home, shell, vm } = fixture()
  const bytes = randomBytes(3_000_000)
  writeFileSync(join(home, 'random'), bytes)
  const piped = await shell('cat ~/random | $VM exec demo -- sh -c "cat > there; cat there" | sha256sum')
  expect(piped).toMatchObject({ stdout: `${hashOf(bytes)}  -\n`, stderr: '' })
  expect((await shell('$VM exec demo -- sha256sum < ~/random')).stdout).toBe(`${hashOf(bytes)}  -\n`)
  expect(hashOf((await vm(['exec', 'demo', '--', 'cat', 'there'])).bytes)).toBe(hashOf(bytes))
})

test.each<[description: string, command: string[], code: number]>([
  ['a missing program', ['no-such-program'], 127],
  ['a command killed by SIGKILL', ['sh', '-c', 'kill -KILL $$'], 137],
  ['a command killed by SIGTERM', ['sh', '-c', 'kill -TERM $$'], 143],
])('%s exits with the code that a shell would report', async (_description, command, code) => {
  expect((await fixture().vm(['exec', 'demo', '--', ...command])).code).toBe(code)
})

test('arguments are passed on unchanged, including options of the command, with or without --', async () => {
  const { vm } = fixture()
  const words = ['printf', '<%s>', "it's", '$HOME', '', '-n', '--json', '*']
  const printed = "<it's><$HOME><><-n><--json><*>"
  expect((await vm(['exec', 'demo', '--', ...words])).stdout).toBe(printed)
  expect((await vm(['exec', 'demo', ...words])).stdout).toBe(printed)
  expect((await vm(['exec', '-e', 'A=1', 'demo', '-C', '/', '--', 'sh', '-c', 'echo $A$PWD'])).stdout).toBe('1/\n')
})

test('a command that exceeds its timeout exits with 124 and an explanation', async () => {
  const result = await fixture().vm(['exec', '--timeout', '1s', 'demo', '--', 'sleep', '100'])
  expect(result).toMatchObject({ code: 124, stdout: '' })
  expect(result.stderr).toContain('--timeout')
})

test('with --json, stdout has exactly the lines of the API', async () => {
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

test('--no-stdin leaves stdin to the surrounding loop', async () => {
  const { stdout } = await fixture().shell('printf "a\\nb\\n" | while read x; do $VM exec -n demo -- echo $x; done')
  expect(stdout).toBe('a\nb\n')
})

/** Starts a script, and waits for its first output. */
async function startScript(script: string) {
  const child = fixture().start(['exec', '-n', 'demo', '--', 'sh', '-c', script])
  const result = waitForExit(child)
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  return { child, result }
}

test('Ctrl-C interrupts the command, which may handle it', async () => {
  const { child, result } = await startScript(
    'trap "echo interrupted; exit 9" INT; echo there; while :; do sleep 0.1; done',
  )
  child.kill('SIGINT')
  expect(await result).toMatchObject({ code: 9, stdout: 'there\ninterrupted\n' })
  const other = await startScript('echo there; sleep 100')
  other.child.kill('SIGINT')
  expect((await other.result).code).toBe(130)
})

test('a second Ctrl-C detaches from a command that ignores the first', async () => {
  const { child, result } = await startScript(
    'trap "echo ignored" INT; echo there; while [ ! -e leave ]; do sleep 0.1; done; touch gone-on',
  )
  child.kill('SIGINT')
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  child.kill('SIGINT')
  const { code, stderr } = await result
  expect(code).toBe(130)
  expect(stderr).toContain('The command continues')
  await fixture().vm(['exec', 'demo', '--', 'sh', '-c', 'touch leave; until [ -e gone-on ]; do sleep 0.1; done'])
})

test('a closed stdout ends the command without an error message', async () => {
  const { shell, url } = fixture()
  expect(await shell('$VM exec demo -- yes | head -2; echo ${PIPESTATUS[0]}')).toMatchObject({
    stdout: 'y\ny\n141\n',
    stderr: '',
  })
  const { body } = await callApi(url, 'alice', 'GET', `/workspaces/${id}/exec`)
  const yes = body.find((run: { command: string | string[] }) => run.command[0] === 'yes')
  expect(yes).toMatchObject({ signal: 'SIGHUP' })
})

test('a command in a stopped workspace fails, and says how to start it', async () => {
  const { createWorkspace, vm } = fixture()
  await createWorkspace('still')
  await vm(['stop', 'still'])
  const result = await vm(['exec', 'still', '--', 'true'])
  expect(result).toMatchObject({ code: 1, stdout: '' })
  expect(result.stderr).toBe('vm: Workspace "still" is stopped.\n    Start it with: vm start still\n')
})

/** A proxy that reads the output of a command only after the command has ended. */
async function slowProxy(url: string): Promise<string> {
  const headers = { 'x-user': 'alice', 'content-type': 'application/json' }
  const untilEnded = async (runs: string): Promise<void> => {
    const [{ status }] = Object(await (await fetch(runs, { headers })).json())
    if (status !== 'ended') await untilEnded(runs)
  }
  const proxy = fastify()
  onTestFinished(() => proxy.close())
  proxy.all('*', async ({ method, url: path, body }, reply) => {
    const request = { method, headers, ...(method === 'POST' && { body: JSON.stringify(body) }) }
    let response = await fetch(`${url}${path}`, request)
    if (method === 'POST') {
      await response.body?.cancel()
      await untilEnded(`${url}${path}`)
      response = await fetch(`${url}${path}`, request) // the same exec_id attaches to the same session
    }
    reply.header('content-type', response.headers.get('content-type'))
    return response.text()
  })
  return proxy.listen({ port: 0, host: '127.0.0.1' })
}

test('missing output is reported, and fails the command', async () => {
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

test('without a terminal, vm ssh runs commands from stdin or from its arguments', async () => {
  const { vm } = fixture()
  expect(await vm(['ssh', 'demo'], { input: 'echo piped; exit 6\n' })).toMatchObject({ code: 6, stdout: 'piped\n' })
  expect(await vm(['ssh', 'demo', 'echo', '$((6*7));', 'exit', '8'])).toMatchObject({ code: 8, stdout: '42\n' })
})

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { maxExecsPerWorkspace } from '../../../src/runtime/exec/execs.ts'
import { execSummarySchema } from '../../../src/wire/runtime/exec.ts'
import { streamBytes, endLine, lineByLine, openExecWorkspace, readText } from './exec-client.ts'
import { openTestServer } from '../test-server.ts'

const summaries = z.array(execSummarySchema)

/** False for a zombie: a dead process that its parent has not reaped yet. */
function isAlive(pid: string): boolean {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s+[ZX]/m.test(readFileSync(status, 'utf8'))
}

test('a command writes to both streams and exits with its code', async () => {
  const { run } = await openExecWorkspace()
  const lines = await run({ command: 'echo out; echo err >&2; exit 3' })
  expect([String(streamBytes(lines)), String(streamBytes(lines, 'stderr'))]).toEqual(['out\n', 'err\n'])
  expect(endLine(lines)).toMatchObject({ exit_code: 3 })
  expect(lines.map(({ seq }) => seq)).toEqual(lines.map((_, index) => index + 1))
})

test('an argument list is not interpreted by a shell, and a command has the requested directory, environment and input', async () => {
  const { run } = await openExecWorkspace()
  const list = await run({ command: ['printf', '%s|', '$HOME', '; id', 'a b', ''] })
  expect(String(streamBytes(list))).toBe('$HOME|; id|a b||')
  const mkdir = await run({ command: 'mkdir -p deep/down' })
  expect(endLine(mkdir)).toMatchObject({ exit_code: 0 })
  const request = { command: 'echo "$A"; basename "$PWD"; cat', cwd: 'deep/down', env: { A: 'ä "b"' }, stdin: 'typed' }
  expect(String(streamBytes(await run(request)))).toBe('ä "b"\ndown\ntyped')
  const bytes = { ...request, command: 'od -An -tx1', stdin: { data: 'AP8=', encoding: 'base64' } }
  expect(String(streamBytes(await run(bytes))).trim()).toBe('00 ff')
})

test('a command that does not exist exits with 127 and the message of the shell', async () => {
  const { run } = await openExecWorkspace()
  for (const command of ['no-such-program', ['no-such-program', 'x']]) {
    const lines = await run({ command })
    expect(endLine(lines)).toMatchObject({ exit_code: 127 })
    expect(String(streamBytes(lines, 'stderr'))).toContain('not found')
  }
})

test('a timeout ends the command and every process that it started', async () => {
  const { start } = await openExecWorkspace()
  const pids: string[] = []
  let end
  for await (const line of lineByLine(
    await start({ command: 'setsid sleep 1000 & echo $!; echo $$; trap "" TERM; sleep 1000', timeout_ms: 700 }),
  )) {
    if ('data' in line) pids.push(...line.data.trim().split('\n'))
    end = line
  }
  expect(end).toMatchObject({ error: 'timeout' })
  expect(pids.length).toBe(2)
  expect(pids.filter(isAlive)).toEqual([])
})

test('a kill ends a command with the given signal, and a kill after its end is not an error', async () => {
  const { inject, id, start } = await openExecWorkspace()
  const kill = `/api/v1/workspaces/${id}/exec/one/kill`
  const response = await start({ command: 'echo up; sleep 1000', exec_id: 'one' })
  const lines = lineByLine(response)
  expect((await lines.next()).value).toMatchObject({ data: 'up\n' })
  expect(response.headers['x-exec-id']).toBe('one')
  expect((await inject('POST', kill, { body: { signal: 'SIGKILL' } })).statusCode).toBe(200)
  expect((await lines.next()).value).toMatchObject({ signal: 'SIGKILL' })
  expect((await lines.next()).done).toBe(true)
  expect((await inject('POST', kill)).json()).toEqual({ message: 'The command has already ended.' })
  expect((await inject('POST', kill, { body: { signal: 'SIGSTOP' } })).statusCode).toBe(400)
})

test('a repeated exec_id returns the same exec session, and is refused for a different command', async () => {
  const { inject, id, run, send: sendRequest, workspaceBody } = await openExecWorkspace()
  const request = { command: 'echo once >> log; wc -l < log', exec_id: 'A_1-b', env: { SECRET: 'x' }, stdin: 'hidden' }
  const [first, second] = await Promise.all([run(request), run(request)])
  expect(second).toEqual(first)
  expect(await run(request)).toEqual(first)
  expect(String(streamBytes(first)).trim()).toBe('1')
  for (const different of [
    { ...request, stdin: 'else' },
    { ...request, env: {} },
    { ...request, command: 'true' },
  ]) {
    const refused = await sendRequest('POST', '', different)
    expect([refused.statusCode, JSON.parse(await readText(refused))]).toMatchObject([422, { code: 'exec-id-reused' }])
  }
  const list = (await inject('GET', `/api/v1/workspaces/${id}/exec`)).body
  expect(summaries.parse(JSON.parse(list))).toMatchObject([{ exec_id: 'A_1-b', by: 'user:alice', exit_code: 0 }])
  expect(list).not.toMatch(/SECRET|hidden/)
  expect(workspaceBody.id).toBe(id)
})

test('the list of exec sessions is newest first, survives a stop, and has the outcome of each', async () => {
  const { inject, id, run, waitFor } = await openExecWorkspace()
  await run({ command: ['true'] })
  await run({ command: 'exit 4' })
  await run({ command: 'kill -9 $$' })
  await inject('POST', `/api/v1/workspaces/${id}/stop`)
  await waitFor(id, ({ status }) => status === 'stopped')
  const list = summaries.parse((await inject('GET', `/api/v1/workspaces/${id}/exec`)).json())
  expect(list.map(({ command, status, exit_code, signal }) => [command, status, exit_code, signal])).toEqual([
    ['kill -9 $$', 'ended', undefined, 'SIGKILL'],
    ['exit 4', 'ended', 4, undefined],
    [['true'], 'ended', 0, undefined],
  ])
  const newest = summaries.parse((await inject('GET', `/api/v1/workspaces/${id}/exec?limit=1`)).json())
  expect(newest.map(({ command }) => command)).toEqual(['kill -9 $$'])
})

test('a command in a workspace that is not running is refused with its state', async () => {
  const { inject, id, waitFor } = await openExecWorkspace()
  await inject('POST', `/api/v1/workspaces/${id}/stop`)
  await waitFor(id, ({ status }) => status === 'stopped')
  const refused = await inject('POST', `/api/v1/workspaces/${id}/exec`, { body: { command: 'true' } })
  expect([refused.statusCode, refused.json()]).toMatchObject([409, { code: 'refused-in-state', state: 'stopped.idle' }])
})

test('a command ends when its workspace is stopped, and its reader receives the end', async () => {
  const { inject, id, start } = await openExecWorkspace()
  const lines = lineByLine(await start({ command: 'echo up; sleep 1000' }))
  await lines.next()
  await inject('POST', `/api/v1/workspaces/${id}/stop`)
  expect((await lines.next()).value).toMatchObject({ duration_ms: expect.any(Number) })
})

test('a command counts as activity of its workspace', async () => {
  const { inject, id, run, workspaceBody } = await openExecWorkspace()
  expect(workspaceBody['last_active_at']).toBeUndefined()
  await run({ command: 'true' })
  const workspace = (await inject('GET', `/api/v1/workspaces/${id}`)).json()
  const [summary] = summaries.parse((await inject('GET', `/api/v1/workspaces/${id}/exec`)).json())
  expect(workspace).toMatchObject({ last_active_at: summary?.ended_at })
  expect((await inject('GET', '/api/v1/workspaces')).json()).toEqual([workspace])
})

test('a command whose row cannot be written is not run', async () => {
  const { inject, count, database, id, workspaceBody } = await openExecWorkspace()
  database.db.exec(`CREATE TRIGGER refuse BEFORE INSERT ON execs BEGIN SELECT RAISE(ABORT, 'no'); END`)
  const refused = await inject('POST', `/api/v1/workspaces/${id}/exec`, { body: { command: 'touch ran' } })
  expect([refused.statusCode, refused.json()]).toMatchObject([503, { code: 'not-written' }])
  expect(count('execs')).toBe(0)
  const { directory } = z.object({ directory: z.string() }).parse(workspaceBody['connection_info'])
  expect(existsSync(join(directory, 'ran'))).toBe(false)
})

test('a command as a user that does not exist is refused with the reason, and its exec_id stays free', async () => {
  const { inject, id, run } = await openExecWorkspace()
  const request = { command: 'true', user: 'no-such-user', exec_id: 'again' }
  const refused = await inject('POST', `/api/v1/workspaces/${id}/exec`, { body: request })
  expect([refused.statusCode, refused.json()]).toMatchObject([
    400,
    { code: 'not-runnable', error: expect.stringContaining('no-such-user') },
  ])
  expect(endLine(await run({ command: 'true', exec_id: 'again' }))).toMatchObject({ exit_code: 0 })
})

test('a hundred concurrent commands each get their own output', async () => {
  const { run } = await openExecWorkspace()
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, n) => run({ command: 'cat; echo "$N"', env: { N: `n${n}` }, stdin: `in ${n} ` })),
  )
  expect(all.map((lines) => String(streamBytes(lines)))).toEqual(all.map((_, n) => `in ${n} n${n}\n`))
  expect(
    all.map((lines) => endLine(lines)).filter((end) => end && 'exit_code' in end && end.exit_code === 0).length,
  ).toBe(100)
})

test('a command over the limit of a workspace is refused until another has ended', async () => {
  const { inject, id, run, start } = await openExecWorkspace()
  const first = lineByLine(await start({ command: 'echo up; sleep 1000', exec_id: 'first' }))
  await first.next()
  const otherStarts = Array.from({ length: maxExecsPerWorkspace - 1 }, () => start({ command: 'sleep 1000' }))
  await Promise.all(otherStarts)
  const refused = await inject('POST', `/api/v1/workspaces/${id}/exec`, { body: { command: 'true' } })
  expect([refused.statusCode, refused.headers['retry-after'], refused.json()]).toMatchObject([
    429,
    '1',
    { code: 'too-many-runs' },
  ])
  await inject('POST', `/api/v1/workspaces/${id}/exec/first/kill`)
  await first.next()
  expect(endLine(await run({ command: 'true' }))).toMatchObject({ exit_code: 0 })
})

const invalidRequests: readonly (readonly [what: string, body: unknown, field: string])[] = [
  ['no command', {}, 'command'],
  ['an empty command', { command: '' }, 'command'],
  ['an empty list', { command: [] }, 'command'],
  ['a NUL in a command', { command: 'a\0b' }, 'command'],
  ['a NUL in an argument', { command: ['a', '\0'] }, 'command.1'],
  ['a command that is a number', { command: 7 }, 'command'],
  ['a variable with an equals sign', { command: 'true', env: { 'A=B': 'x' } }, 'env.A=B'],
  ['a NUL in a variable', { command: 'true', env: { A: '\0' } }, 'env.A'],
  ['a NUL in a path', { command: 'true', cwd: '/a\0' }, 'cwd'],
  ['an empty user', { command: 'true', user: '' }, 'user'],
  ['input that is not base64', { command: 'true', stdin: { data: '*', encoding: 'base64' } }, 'stdin'],
  ['input in another encoding', { command: 'true', stdin: { data: '', encoding: 'hex' } }, 'stdin'],
  ['a timeout of zero', { command: 'true', timeout_ms: 0 }, 'timeout_ms'],
  ['a timeout beyond the range of timers', { command: 'true', timeout_ms: 2 ** 31 }, 'timeout_ms'],
  ['an exec_id with a path', { command: 'true', exec_id: '../x' }, 'exec_id'],
  ['an exec_id of 65 characters', { command: 'true', exec_id: 'a'.repeat(65) }, 'exec_id'],
]

test('an invalid exec request is refused with the invalid field, and leaves nothing behind', async () => {
  const { inject, count, createWorkspace } = await openTestServer()
  const { id } = await createWorkspace()
  for (const [what, body, field] of invalidRequests) {
    const response = await inject('POST', `/api/v1/workspaces/${id}/exec`, { body })
    expect([response.statusCode, response.json()], what).toMatchObject([400, { code: 'invalid', details: [{ field }] }])
  }
  expect(count('execs')).toBe(0)
})

test('an exec session that does not exist is 404 for every method', async () => {
  const { inject, id } = await openExecWorkspace()
  const base = `/api/v1/workspaces/${id}/exec`
  for (const name of ['none', '..%2f', '__proto__', 'x'.repeat(200)])
    for (const [method, subPath] of [
      ['GET', ''],
      ['POST', '/kill'],
      ['PUT', '/stdin'],
    ] as const) {
      const response = await inject(method, `${base}/${name}${subPath}`)
      expect([response.statusCode, response.json()], name).toMatchObject([404, { code: 'exec-not-found' }])
    }
})

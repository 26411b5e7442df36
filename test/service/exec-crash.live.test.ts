import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { streamBytes, execClient, endLine, lineByLine } from '../http/exec/exec-client.ts'
import type { ServiceProcess } from './service-process.ts'
import { callApi, startServiceProcess, waitForWorkspace } from './service-process.ts'

/** False for a zombie: a dead process that its parent has not reaped yet. */
function isAlive(pid: string): boolean {
  const status = `/proc/${pid}/status`
  return existsSync(status) && !/^State:\s+[ZX]/m.test(readFileSync(status, 'utf8'))
}

async function startServices() {
  const folder = mkdtempSync(join(tmpdir(), 'vm-api-exec-'))
  const env = { VM_API_DB_PATH: join(folder, 'db', 'vm.db'), VM_API_PROVIDER: 'process', VM_API_OPERATORS: 'ops' }
  let service = await startServiceProcess(env)
  const { body } = await callApi(service.url, 'alice', 'POST', '/workspaces', { name: 'one' })
  const { id } = await waitForWorkspace(service.url, 'alice', body.id, ({ status }) => status === 'running')
  onTestFinished(async () => {
    await callApi(service.url, 'alice', 'DELETE', `/workspaces/${id}`)
    await service.stop('SIGTERM')
    rmSync(folder, { recursive: true, force: true })
  })
  const clientAt = ({ url }: ServiceProcess) => ({ ...execClient(Number(new URL(url).port), id), service: { url } })
  return {
    id,
    first: clientAt(service),
    async restart(signal: 'SIGKILL' | 'SIGTERM') {
      await service.stop(signal)
      service = await startServiceProcess(env)
      await waitForWorkspace(service.url, 'alice', id, ({ state }) => state === 'running.up')
      return clientAt(service)
    },
  }
}

test('a command that was running when the service was killed is recorded as lost, and its leftover processes can be killed', async () => {
  const { id, first, restart } = await startServices()
  const request = { command: 'trap "" PIPE HUP; echo $$; sleep 1000; sleep 1000', exec_id: 'lost' }
  const lines = lineByLine(await first.start(request))
  const firstLine = await lines.next()
  const pid = firstLine.value && 'data' in firstLine.value ? firstLine.value.data.trim() : ''
  const completed = await first.run({ command: 'echo whole', exec_id: 'whole' })
  const second = await restart('SIGKILL')

  const lost = { seq: 1, error: 'lost', duration_ms: expect.any(Number) }
  expect(await second.read('lost')).toEqual([lost])
  expect(await second.read('lost', '?follow=true')).toEqual([lost])
  // A reader that continues after an earlier line receives the end too.
  expect(await second.read('lost', '?after=7&follow=true')).toEqual([{ ...lost, seq: 8 }])
  expect(await second.run(request)).toEqual([lost])
  const { body } = await callApi(second.service.url, 'alice', 'GET', `/workspaces/${id}/exec`)
  expect(body).toMatchObject([
    { exec_id: 'whole', command: 'echo whole', by: 'user:alice', exit_code: 0, status: 'ended' },
    { exec_id: 'lost', command: request.command, by: 'user:alice', error: 'lost', status: 'ended' },
  ])
  const workspace = await callApi(second.service.url, 'alice', 'GET', `/workspaces/${id}`)
  expect(workspace.body.last_active_at).toBe(body[1].ended_at)

  // Of a command that ended before the kill, only the end is known.
  expect(endLine(completed)).toMatchObject({ exit_code: 0 })
  expect(await second.read('whole')).toEqual([{ seq: 1, exit_code: 0, duration_ms: expect.any(Number) }])
  expect((await second.send('GET', '/whole?after=1')).statusCode).toBe(410)

  expect(isAlive(pid)).toBe(true)
  expect((await callApi(second.service.url, 'alice', 'POST', `/workspaces/${id}/exec/lost/kill`, {})).status).toBe(200)
  expect(isAlive(pid)).toBe(false)
})

test('a command keeps running after a shutdown, unless it reads input, whose end it would mistake for complete', async () => {
  const { id, first, restart } = await startServices()
  const open = lineByLine(await first.start({ command: 'echo $$; exec sleep 1000', exec_id: 'goes-on' }))
  const waiting = lineByLine(
    await first.start({ command: 'echo $$; cat; echo all', stdin: 'stream', exec_id: 'waits' }),
  )
  const pids = [(await open.next()).value, (await waiting.next()).value].map((line) =>
    line && 'data' in line ? line.data.trim() : '',
  )
  const second = await restart('SIGTERM')
  expect([(await open.next()).done, (await waiting.next()).done]).toEqual([true, true]) // without a last line
  expect(pids.map(isAlive)).toEqual([true, false])
  const { body } = await callApi(second.service.url, 'alice', 'GET', `/workspaces/${id}/exec`)
  expect(body).toMatchObject([
    { exec_id: 'waits', error: 'stdin-cut-off' },
    { exec_id: 'goes-on', error: 'lost' },
  ])
  expect(String(streamBytes(await second.run({ command: 'echo again' })))).toBe('again\n')
})

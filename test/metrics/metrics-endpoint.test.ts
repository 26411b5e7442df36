import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openTestServer } from '../http/test-server.ts'

const anonymous = { 'x-user': undefined }

/** The value of each sample, by name and labels. */
function samples(text: string): ReadonlyMap<string, number> {
  const found = text.matchAll(/^(\w+(?:\{[^}]*\})?) (\S+)$/gm)
  return new Map([...found].map(([, name = '', value]) => [name, Number(value)]))
}

describe('/metrics', () => {
  test('counts transitions, and workspaces by state', async () => {
    const { inject, createWorkspace, waitFor } = await openTestServer()
    const { id } = await createWorkspace()
    await createWorkspace({ name: 'two' })
    await waitFor(id, ({ status }) => status === 'running')
    await inject('POST', `/api/v1/workspaces/${id}/stop`)
    await waitFor(id, ({ status }) => status === 'stopped')
    const found = samples((await inject('GET', '/metrics', { headers: anonymous })).body)
    expect(found.get('vm_api_workspaces{state="stopped.idle"}')).toBe(1)
    expect(found.get('vm_api_transitions_total{from="none",to="creating.queued"}')).toBe(2)
    expect(found.get('vm_api_transitions_total{from="running.stopping.halting",to="stopped.idle"}')).toBe(1)
    expect(found.get('vm_api_steps_total{step="stop",outcome="done"}')).toBe(1)
    expect(found.get('vm_api_state_duration_seconds_count{state="running.up"}')).toBe(1)
    expect(found.get('vm_api_provider_call_duration_seconds_count{provider="docker",verb="stop",outcome="ok"}')).toBe(1)
    expect(found.get('vm_api_provisioning{phase="queued"}')).toBe(0)
    expect([...found].filter(([name]) => name.startsWith('vm_api_ready'))).toEqual([
      ['vm_api_ready{part="database"}', 1],
      ['vm_api_ready{part="provider"}', 1],
    ])
    expect(found.has('nodejs_eventloop_lag_seconds')).toBe(true)
  })

  test('measures how late an expiry is, and drops a deleted workspace', async () => {
    const { inject, database, createWorkspace, supervisor, waitFor } = await openTestServer()
    const { id } = await createWorkspace({ name: 'short', ttl_seconds: 1 })
    await waitFor(id, ({ status }) => status === 'running')
    await expect.poll(() => supervisor.states().size, { timeout: 5000 }).toBe(0)
    const found = samples((await inject('GET', '/metrics', { headers: anonymous })).body)
    expect(found.get('vm_api_expiry_lateness_seconds_count')).toBe(1)
    expect([...found.keys()].filter((name) => name.startsWith('vm_api_workspaces'))).toEqual([])
    expect(database.fault()).toBeNull()
  })

  test('has no label with a value from a user or without bound', async () => {
    const { inject, createWorkspace, waitFor } = await openTestServer()
    const { id } = await createWorkspace({ name: 'secret-name', metadata: { secret: 'value' } })
    await waitFor(id, ({ status }) => status === 'running')
    const { body } = await inject('GET', '/metrics', { headers: anonymous })
    for (const text of ['secret-name', 'alice', id]) expect(body).not.toContain(text)
  })

  test('answers programs on this machine, and no request through a proxy', async () => {
    const { inject } = await openTestServer()
    const status = async (headers: Record<string, string | undefined>, from = '127.0.0.1') =>
      (await inject('GET', '/metrics', { headers: { ...anonymous, ...headers }, from })).statusCode
    expect(await status({})).toBe(200)
    expect(await status({}, '::ffff:127.0.0.1')).toBe(200)
    expect(await status({}, '192.0.2.1')).toBe(401)
    expect(await status({ 'x-forwarded-for': '192.0.2.1' })).toBe(401)
    expect(await status({ 'x-vm-user': 'alice' })).toBe(401)
  })

  test('requires the token if one is set, from any address', async () => {
    const { inject } = await openTestServer({ metricsToken: 'open-sesame' })
    const response = (authorization?: string) =>
      inject('GET', '/metrics', { headers: { ...anonymous, authorization }, from: '192.0.2.1' })
    expect((await response('Bearer open-sesame')).statusCode).toBe(200)
    for (const wrong of [undefined, 'Bearer', 'Bearer open', 'open-sesame', 'Basic open-sesame']) {
      const refused = await response(wrong)
      expect([refused.statusCode, refused.headers['www-authenticate']]).toEqual([401, 'Bearer'])
      expect(refused.json().error).toContain('VM_API_METRICS_TOKEN')
    }
    expect((await inject('GET', '/metrics', { headers: anonymous })).statusCode).toBe(401)
  })
})

test.each(['grafana-dashboard.json', 'prometheus-alerts.yml'])('%s uses only existing metrics', async (file) => {
  const path = join(import.meta.dirname, '../../deploy', file)
  expect(existsSync(path)).toBe(true)
  const { inject } = await openTestServer()
  const { body } = await inject('GET', '/metrics', { headers: anonymous })
  const there = [...body.matchAll(/^# TYPE (\w+) (\w+)$/gm)].flatMap(([, name = '', type]) =>
    type === 'histogram' ? [name, `${name}_bucket`, `${name}_count`, `${name}_sum`] : [name],
  )
  const named = [...readFileSync(path, 'utf8').matchAll(/\b(?:vm_api|nodejs|process)_\w+/g)].map(([name]) => name)
  expect(named.length).toBeGreaterThan(4)
  expect(named.filter((name) => !there.includes(name))).toEqual([])
})

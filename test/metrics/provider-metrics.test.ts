import { Readable } from 'node:stream'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { providerMetrics } from '../../src/metrics/provider-metrics.ts'
import type { Provider } from '../../src/provider/provider.ts'
import { fault } from '../../src/workspace/fault.ts'
import type { WorkspaceRef } from '../../src/workspace/workspace-ref.ts'
import { newWorkspaceId } from '../../src/workspace/id.ts'
import { fullSpec } from '../golden/full-spec.ts'
import { fakeEngine } from '../provider/fake/fake-provider.ts'

const { signal } = new AbortController()
const workspace: WorkspaceRef = {
  id: newWorkspaceId(),
  owner: 'ann',
  name: 'a',
  template: 'base',
  spec: fullSpec,
  imageId: null,
  containerId: null,
  prepared: false,
}

/** A measured provider, and the number of calls so far by verb and outcome. */
function measured(change: (provider: Provider) => Provider = (provider) => provider) {
  const registry = new Registry()
  const original = change(fakeEngine().provider())
  const provider = providerMetrics(registry)(original)
  const callCounts = async () =>
    Object.fromEntries(
      [...(await registry.metrics()).matchAll(/_count\{provider="docker",verb="(.+)",outcome="(.+)"\} (\d+)/g)].map(
        ([, verb, outcome, count]) => [`${verb} ${outcome}`, Number(count)],
      ),
    )
  return { original, provider, callCounts }
}

test('every verb of a provider and of its guest is measured, except watch', () => {
  const { original, provider } = measured()
  const unmeasured = (measuredPart: object, originalPart: object) => {
    const originalEntries = new Map(Object.entries(originalPart))
    return Object.entries(measuredPart).flatMap(([verb, call]) =>
      typeof call === 'function' && call === originalEntries.get(verb) ? [verb] : [],
    )
  }
  expect(unmeasured(provider, original).filter((verb) => verb !== 'clear')).toEqual(['watch'])
  expect(unmeasured(provider.guest, original.guest)).toEqual([])
  expect(unmeasured(provider.guest.files, original.guest.files)).toEqual([])
})

test('commands, logs and files are counted by verb and outcome, and their results are passed on', async () => {
  const { provider, callCounts } = measured((fake) => ({
    ...fake,
    guest: {
      ...fake.guest,
      exec: async () => fault('missing', 'no container'),
      logs: () => Promise.reject(new Error('a bug')),
      files: {
        ...fake.guest.files,
        pack: async () => ({ ok: true, value: Readable.from([]) }),
        stat: async () => ({ ok: false, refused: 'not-found', message: 'no such file' }),
      },
    },
  }))
  const { exec, logs, files } = provider.guest
  const command = { argv: ['true'], env: {}, user: null, cwd: null, terminal: null, stdin: false, tag: 'a' }
  expect(await exec(workspace, command, signal)).toEqual(fault('missing', 'no container'))
  await expect(logs(workspace, { since: null, tail: null, follow: false }, signal)).rejects.toThrow('a bug')
  expect(await files.stat(workspace, 'a', signal)).toMatchObject({ refused: 'not-found' })
  expect(await files.pack(workspace, '.', signal)).toMatchObject({ ok: true })
  expect(await callCounts()).toEqual({
    'exec missing': 1,
    'logs threw': 1,
    'files.stat refused': 1,
    'files.pack ok': 1,
  })
})

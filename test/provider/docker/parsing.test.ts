import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { clampToCapacity } from '../../../src/provider/docker/engine/capacity.ts'
import { loadRegistryCredentials } from '../../../src/provider/docker/engine/registry-credentials.ts'
import { parseContainerExit } from '../../../src/provider/docker/observe/container-exit.ts'
import { parseJsonLines } from '../../../src/provider/docker/engine/json-lines.ts'
import { pullFault } from '../../../src/provider/docker/lifecycle/pull-fault.ts'
import { pullProgress } from '../../../src/provider/docker/lifecycle/pull-progress.ts'
import { parseImageReference } from '../../../src/provider/docker/lifecycle/image-reference.ts'
import { engineFault as sorted, parseEngineError } from '../../../src/provider/docker/engine/engine-result.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('An image reference', () => {
  it.each([
    ['node', 'node', 'latest', 'docker.io'],
    ['node:22-slim', 'node', '22-slim', 'docker.io'],
    ['library/node:22', 'library/node', '22', 'docker.io'],
    ['localhost:5000/dev', 'localhost:5000/dev', 'latest', 'localhost:5000'],
    ['ghcr.io/acme/dev:1', 'ghcr.io/acme/dev', '1', 'ghcr.io'],
    [`node:22@${digest}`, 'node', digest, 'docker.io'],
  ])('%s is %s at %s in %s', (reference, repository, tag, registry) => {
    expect(parseImageReference(reference)).toEqual({ repository, tag, registry })
  })

  it.each(['', '../x', 'a b', 'x?y', 'x#y', '/x', 'x//y', 'x:', 'x/../y', 'x%2fy', 'x\ny'])('%j is none', (text) => {
    expect(parseImageReference(text)).toBeUndefined()
  })
})

describe('A refusal', () => {
  const faultFor = (error: unknown) => sorted(parseEngineError(error), 'start the container', 'unix:///x.sock')
  const http = (statusCode: number, message: string) => ({
    statusCode,
    json: { message },
    message: '(HTTP code) wrong - text',
  })

  it.each(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'EACCES', 'DEPTH_ZERO_SELF_SIGNED_CERT'])(
    'by the connection (%s) means that the engine is away',
    (code) => {
      const fault = faultFor({ code, message: `connect ${code}` })
      expect(fault.kind).toBe('unavailable')
      expect(fault.message).toContain('unix:///x.sock')
    },
  )

  it('by the socket for want of rights says which group to join', () => {
    expect(faultFor({ code: 'EACCES', message: 'connect EACCES' }).message).toContain('group "docker"')
  })

  it.each([
    [500, 'anything', 'transient'],
    [503, 'starting', 'transient'],
    [429, 'slow down', 'transient'],
    [409, 'is not running', 'transient'],
    [400, 'invalid', 'permanent'],
    [404, 'No such container: abc', 'missing'],
    [404, 'network x not found', 'permanent'],
  ])('by the engine with %i "%s" is to be asked again: %s', (status, reason, again) => {
    expect(faultFor(http(status, reason))).toEqual({
      kind: again,
      message: `The engine could not start the container: ${reason}`,
    })
  })

  it('of a stream has its reason in the message only', () => {
    const error = {
      statusCode: 500,
      json: null,
      message: '(HTTP code 500) server error - dial tcp: lookup a-b: no such host ',
    }
    expect(parseEngineError(error).reason).toBe('dial tcp: lookup a-b: no such host')
  })
})

describe('A pull that failed', () => {
  it('for want of a login names the credential helper that is not supported', () => {
    const stored = { authconfig: null, credentialHelper: 'desktop' }
    expect(pullFault('acme/dev:1', 'denied', 404, stored).message).toContain('"desktop" is not supported')
  })

  it('for a certificate needs a person', () => {
    expect(
      pullFault('r.test/dev', 'x509: certificate signed by unknown authority', 500, {
        authconfig: null,
        credentialHelper: null,
      }).kind,
    ).toBe('permanent')
  })
})

describe('The progress of a pull', () => {
  const line = (id: string, status: string, current = 0, total = 0) => ({
    id,
    status,
    progressDetail: { current, total },
  })

  it('is the sum over its layers, then unpacking', () => {
    const progress = pullProgress('node:22')
    expect(progress.describe()).toBe('pulling node:22')
    progress.update(line('a', 'Downloading', 10e6, 30e6))
    progress.update(line('b', 'Downloading', 2e6, 18e6))
    progress.update(line('c', 'Already exists'))
    expect(progress.describe()).toBe('pulling node:22: 12 of 48 MB')
    progress.update(line('a', 'Download complete'))
    progress.update(line('b', 'Extracting', 1, 2))
    expect(progress.describe()).toBe('pulling node:22: unpacking')
  })
})

describe('Lines of JSON', () => {
  it('are whole however they are cut, in the middle of a letter too, and one that is no JSON hides no other', () => {
    const parsed: unknown[] = []
    const split = parseJsonLines((value) => parsed.push(value))
    for (const byte of Buffer.from('{"a":"ü"}\r\nnonsense\n\n{"b":2}\n{"c":')) split(Buffer.from([byte]))
    expect(parsed).toEqual([{ a: 'ü' }, { b: 2 }])
  })
})

describe('The end of a container', () => {
  const ended = (FinishedAt: string, ExitCode = 1, OOMKilled = false) => ({
    State: { StartedAt: '2026-01-01T10:00:00Z', FinishedAt, ExitCode, OOMKilled },
  })
  const engineStart = Date.parse('2026-01-01T12:00:00Z')

  it('was with its engine if it came before that engine started, with some slack', () => {
    expect(parseContainerExit(ended('2026-01-01T11:00:00Z'), engineStart).wentDownWithEngine).toBe(true)
    expect(parseContainerExit(ended('2026-01-01T12:00:01Z'), engineStart).wentDownWithEngine).toBe(true)
    expect(parseContainerExit(ended('2026-01-01T12:00:03Z'), engineStart).wentDownWithEngine).toBe(false)
    expect(parseContainerExit(ended('2026-01-01T11:00:00Z'), null).wentDownWithEngine).toBe(false)
    const startedBy = {
      State: { StartedAt: '2026-01-01T12:00:00.5Z', FinishedAt: '2026-01-01T12:00:01Z', ExitCode: 137 },
    }
    expect(parseContainerExit(startedBy, engineStart).wentDownWithEngine).toBe(false)
    expect(parseContainerExit({ State: {} }, engineStart)).toEqual({
      code: null,
      outOfMemory: false,
      wentDownWithEngine: false,
    })
  })

  it('was for memory only if its main process was killed: a build that ran out of it long ago is no reason', () => {
    expect(parseContainerExit(ended('2026-01-01T13:00:00Z', 137, true), null).outOfMemory).toBe(true)
    expect(parseContainerExit(ended('2026-01-01T13:00:00Z', 0, true), null).outOfMemory).toBe(false)
  })
})

describe('Limits', () => {
  it('are cut to what the engine has', () => {
    const limits = { cpus: 8, memoryBytes: 64e9, pids: 512 }
    expect(clampToCapacity(limits, { cpus: 2, memoryBytes: 4e9 })).toEqual({ cpus: 2, memoryBytes: 4e9, pids: 512 })
    expect(clampToCapacity(limits, { cpus: 16, memoryBytes: Infinity })).toEqual(limits)
  })
})

describe('Credentials for a registry', () => {
  it('are those of its login in config.json; a missing or broken file has none', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'vm-api-config-'))
    const file = join(dir, 'config.json')
    const auth = Buffer.from('ada:s:ecret').toString('base64')
    const auths = { 'https://index.docker.io/v1/': { auth }, 'ghcr.io': { identitytoken: 'tok' } }
    expect(await loadRegistryCredentials('docker.io', file)).toEqual({ authconfig: null, credentialHelper: null })
    writeFileSync(file, JSON.stringify({ auths, credHelpers: { 'r.test': 'r-helper' } }))
    expect((await loadRegistryCredentials('docker.io', file)).authconfig).toEqual({
      username: 'ada',
      password: 's:ecret',
      serveraddress: 'https://index.docker.io/v1/',
    })
    expect((await loadRegistryCredentials('ghcr.io', file)).authconfig).toEqual({
      identitytoken: 'tok',
      serveraddress: 'ghcr.io',
    })
    expect(await loadRegistryCredentials('r.test', file)).toEqual({ authconfig: null, credentialHelper: 'r-helper' })
    writeFileSync(file, '{')
    expect(await loadRegistryCredentials('docker.io', file)).toEqual({ authconfig: null, credentialHelper: null })
    rmSync(dir, { recursive: true })
  })
})

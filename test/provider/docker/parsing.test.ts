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
import { engineFault, parseEngineError } from '../../../src/provider/docker/engine/engine-result.ts'

const digest = `sha256:${'a'.repeat(64)}`

describe('An image reference', () => {
  it.each([
    ['node', 'node', 'latest', 'docker.io'],
    ['node:22-slim', 'node', '22-slim', 'docker.io'],
    ['library/node:22', 'library/node', '22', 'docker.io'],
    ['localhost:5000/dev', 'localhost:5000/dev', 'latest', 'localhost:5000'],
    ['ghcr.io/acme/dev:1', 'ghcr.io/acme/dev', '1', 'ghcr.io'],
    [`node:22@${digest}`, 'node', digest, 'docker.io'],
  ])('%s is parsed as %s, %s, %s', (reference, repository, tag, registry) => {
    expect(parseImageReference(reference)).toEqual({ repository, tag, registry })
  })

  it.each(['', '../x', 'a b', 'x?y', 'x#y', '/x', 'x//y', 'x:', 'x/../y', 'x%2fy', 'x\ny'])('%j is invalid', (text) => {
    expect(parseImageReference(text)).toBeUndefined()
  })
})

describe('An engine error', () => {
  const faultFor = (error: unknown) => engineFault(parseEngineError(error), 'start the container', 'unix:///x.sock')
  const http = (statusCode: number, message: string) => ({
    statusCode,
    json: { message },
    message: '(HTTP code) wrong - text',
  })

  it.each(['ECONNREFUSED', 'ENOENT', 'ECONNRESET', 'EPIPE', 'EACCES', 'DEPTH_ZERO_SELF_SIGNED_CERT'])(
    'of the connection (%s) means that the engine is unavailable',
    (code) => {
      const fault = faultFor({ code, message: `connect ${code}` })
      expect(fault.kind).toBe('unavailable')
      expect(fault.message).toContain('unix:///x.sock')
    },
  )

  it('of a socket without permission names the group to join', () => {
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
  ])('with status %i and reason "%s" is %s', (status, reason, kind) => {
    expect(faultFor(http(status, reason))).toEqual({
      kind,
      message: `The engine could not start the container: ${reason}`,
    })
  })

  it('without a JSON body has its reason in the message', () => {
    const error = {
      statusCode: 500,
      json: null,
      message: '(HTTP code 500) server error - dial tcp: lookup a-b: no such host ',
    }
    expect(parseEngineError(error).reason).toBe('dial tcp: lookup a-b: no such host')
  })
})

describe('A failed pull', () => {
  it('that lacks credentials names the unsupported credential helper', () => {
    const stored = { authconfig: null, credentialHelper: 'desktop' }
    expect(pullFault('acme/dev:1', 'denied', 404, stored).message).toContain('"desktop" is not supported')
  })

  it('because of an untrusted certificate is a permanent fault', () => {
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

  it('is the sum of its layers, then unpacking', () => {
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

describe('Newline-delimited JSON', () => {
  it('is parsed wherever its chunks are cut, inside a character too, and an invalid line hides no other', () => {
    const parsed: unknown[] = []
    const split = parseJsonLines((value) => parsed.push(value))
    for (const byte of Buffer.from('{"a":"ü"}\r\nnonsense\n\n{"b":2}\n{"c":')) split(Buffer.from([byte]))
    expect(parsed).toEqual([{ a: 'ü' }, { b: 2 }])
  })
})

describe('The exit of a container', () => {
  const exited = (FinishedAt: string, ExitCode = 1, OOMKilled = false) => ({
    State: { StartedAt: '2026-01-01T10:00:00Z', FinishedAt, ExitCode, OOMKilled },
  })
  const engineStart = Date.parse('2026-01-01T12:00:00Z')

  it("counts as caused by the engine if it precedes the engine's start, with some tolerance", () => {
    expect(parseContainerExit(exited('2026-01-01T11:00:00Z'), engineStart).wentDownWithEngine).toBe(true)
    expect(parseContainerExit(exited('2026-01-01T12:00:01Z'), engineStart).wentDownWithEngine).toBe(true)
    expect(parseContainerExit(exited('2026-01-01T12:00:03Z'), engineStart).wentDownWithEngine).toBe(false)
    expect(parseContainerExit(exited('2026-01-01T11:00:00Z'), null).wentDownWithEngine).toBe(false)
    const startedByEngine = {
      State: { StartedAt: '2026-01-01T12:00:00.5Z', FinishedAt: '2026-01-01T12:00:01Z', ExitCode: 137 },
    }
    expect(parseContainerExit(startedByEngine, engineStart).wentDownWithEngine).toBe(false)
    expect(parseContainerExit({ State: {} }, engineStart)).toEqual({
      code: null,
      outOfMemory: false,
      wentDownWithEngine: false,
    })
  })

  it('is out of memory only if the main process was killed, not if a build once ran out of memory', () => {
    expect(parseContainerExit(exited('2026-01-01T13:00:00Z', 137, true), null).outOfMemory).toBe(true)
    expect(parseContainerExit(exited('2026-01-01T13:00:00Z', 0, true), null).outOfMemory).toBe(false)
  })
})

describe('Limits', () => {
  it("are reduced to the engine's capacity", () => {
    const limits = { cpus: 8, memoryBytes: 64e9, pids: 512 }
    expect(clampToCapacity(limits, { cpus: 2, memoryBytes: 4e9 })).toEqual({ cpus: 2, memoryBytes: 4e9, pids: 512 })
    expect(clampToCapacity(limits, { cpus: 16, memoryBytes: Infinity })).toEqual(limits)
  })
})

describe('Credentials for a registry', () => {
  it('are read from config.json; a missing or invalid file has none', async () => {
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

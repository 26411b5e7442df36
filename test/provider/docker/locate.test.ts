import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { locateEngine } from '../../../src/provider/docker/engine/locate-engine.ts'
import { faultOf, valueOf } from '../contract/provider-fixture.ts'

let home: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'vm-api-home-'))
})
afterEach(() => rmSync(home, { recursive: true }))

function writeFile(path: string, content: string): void {
  mkdirSync(dirname(join(home, path)), { recursive: true })
  writeFileSync(join(home, path), content)
}

function writeContext(name: string, host: string): string {
  const folder = createHash('sha256').update(name).digest('hex')
  writeFile(
    `.docker/contexts/meta/${folder}/meta.json`,
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  )
  return `.docker/contexts/tls/${folder}/docker`
}

const endpointOf = (env: Record<string, string>, platform?: NodeJS.Platform) =>
  valueOf(locateEngine(env, home, platform)).endpoint

describe('Locating the engine', () => {
  it.each([
    ['unix:///run/user/1/docker.sock', { kind: 'socket', path: '/run/user/1/docker.sock' }],
    ['npipe:////./pipe/docker_engine', { kind: 'socket', path: '//./pipe/docker_engine' }],
    ['tcp://10.0.0.5:2375', { kind: 'http', host: '10.0.0.5', port: 2375 }],
    ['tcp://10.0.0.5', { kind: 'http', host: '10.0.0.5', port: 2375 }],
    ['10.0.0.5:4243', { kind: 'http', host: '10.0.0.5', port: 4243 }],
    ['tcp://[::1]:2375', { kind: 'http', host: '::1', port: 2375 }],
    ['http://engine.test', { kind: 'http', host: 'engine.test', port: 80 }],
    ['https://engine.test:2376', { kind: 'https', host: 'engine.test', port: 2376, tls: {} }],
  ])('DOCKER_HOST %s is parsed', (host, expected) => {
    expect(endpointOf({ DOCKER_HOST: host })).toEqual(expected)
  })

  it('DOCKER_CERT_PATH enables TLS for a tcp address, with its certificates', () => {
    for (const name of ['ca', 'cert', 'key']) writeFile(`certs/${name}.pem`, `the ${name}`)
    const env = { DOCKER_HOST: 'tcp://10.0.0.5', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: join(home, 'certs') }
    const tls = { ca: 'the ca', cert: 'the cert', key: 'the key' }
    expect(endpointOf(env)).toEqual({ kind: 'https', host: '10.0.0.5', port: 2376, tls })
  })

  it('DOCKER_TLS_VERIFY without certificates is a fault that names the directory', () => {
    const { message } = faultOf(locateEngine({ DOCKER_HOST: 'tcp://10.0.0.5', DOCKER_TLS_VERIFY: '1' }, home))
    expect(message).toContain(join(home, '.docker'))
  })

  it('DOCKER_CERT_PATH without certificates is a fault, unless the engine is on a socket', () => {
    const env = { DOCKER_CERT_PATH: join(home, 'nowhere') }
    expect(faultOf(locateEngine({ ...env, DOCKER_HOST: 'tcp://10.0.0.5' }, home)).message).toContain(
      join(home, 'nowhere'),
    )
    expect(endpointOf({ ...env, DOCKER_HOST: 'unix:///x.sock' })).toEqual({ kind: 'socket', path: '/x.sock' })
  })

  it.each(['ssh://ada@host', 'unix://', 'ftp://host', 'tcp://', 'tcp://host:port'])(
    'DOCKER_HOST %s is a fault that quotes it and lists the accepted forms',
    (host) => {
      const { kind, message } = faultOf(locateEngine({ DOCKER_HOST: host }, home))
      expect(kind).toBe('permanent')
      expect(message).toContain(`DOCKER_HOST: "${host}"`)
      expect(message).toContain('unix:///')
    },
  )

  it('the context in config.json is used, with its certificates', () => {
    writeFile('.docker/config.json', JSON.stringify({ currentContext: 'build' }))
    writeFile(`${writeContext('build', 'tcp://build.test:2376')}/ca.pem`, 'the ca')
    expect(endpointOf({})).toEqual({ kind: 'https', host: 'build.test', port: 2376, tls: { ca: 'the ca' } })
    expect(valueOf(locateEngine({}, home)).description).toBe('tcp://build.test:2376 (docker context "build")')
  })

  it('DOCKER_CONTEXT takes precedence over config.json, and DOCKER_HOST over both', () => {
    writeFile('.docker/config.json', JSON.stringify({ currentContext: 'build' }))
    writeContext('build', 'tcp://build.test')
    writeContext('other', 'unix:///other.sock')
    expect(endpointOf({ DOCKER_CONTEXT: 'other' })).toEqual({ kind: 'socket', path: '/other.sock' })
    expect(endpointOf({ DOCKER_CONTEXT: 'other', DOCKER_HOST: 'unix:///host.sock' })).toEqual({
      kind: 'socket',
      path: '/host.sock',
    })
  })

  it('a context that does not exist is a fault that names it', () => {
    expect(faultOf(locateEngine({ DOCKER_CONTEXT: 'nowhere' }, home)).message).toContain('"nowhere"')
  })

  it('an invalid config.json is a fault with its path', () => {
    writeFile('.docker/config.json', '{')
    expect(faultOf(locateEngine({}, home)).message).toContain(join(home, '.docker/config.json'))
  })

  it('without any setting the first accessible socket is used', () => {
    const rootless = { kind: 'socket', path: join(home, 'run/docker.sock') }
    writeFile('.docker/desktop/docker.sock', '')
    // This machine may have a system engine.
    const system = { kind: 'socket', path: '/var/run/docker.sock' }
    expect([system, { kind: 'socket', path: join(home, '.docker/desktop/docker.sock') }]).toContainEqual(endpointOf({}))
    writeFile('run/docker.sock', '')
    expect([system, rootless]).toContainEqual(endpointOf({ XDG_RUNTIME_DIR: join(home, 'run') }))
  })

  it('on Windows the named pipe is used', () => {
    expect(endpointOf({}, 'win32')).toEqual({ kind: 'socket', path: '//./pipe/docker_engine' })
  })

  it('registry credentials are read from DOCKER_CONFIG if it is set', () => {
    expect(valueOf(locateEngine({ DOCKER_CONFIG: '/etc/docker-client' }, home)).configFile).toBe(
      '/etc/docker-client/config.json',
    )
  })
})

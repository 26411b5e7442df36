import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { DockerTarget, TlsFiles } from './docker-target.ts'

const acceptedForms = 'Use unix:///path/to/docker.sock, tcp://host:2375 or https://host:2376.'

/** Parses an engine address in the form of DOCKER_HOST. With `tls`, a TCP address uses TLS. */
export function parseDockerHost(host: string, tls: TlsFiles | null): Outcome<DockerTarget['endpoint']> {
  const socketMatch = /^(?:unix|npipe):\/\/(.*)$/.exec(host)
  if (socketMatch) {
    return socketMatch[1]
      ? ok({ kind: 'socket', path: socketMatch[1] })
      : fault('permanent', `"${host}" has no socket path. ${acceptedForms}`)
  }
  if (/^ssh:/i.test(host)) {
    const advice =
      'Forward the socket (ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST) and use unix:///tmp/docker.sock.'
    return fault('permanent', `"${host}": connecting to an engine over SSH is not supported. ${advice}`)
  }
  const invalidAddress = fault('permanent', `"${host}" is not a valid engine address. ${acceptedForms}`)
  let url: URL
  try {
    url = new URL(host.includes('://') ? host : `tcp://${host}`)
  } catch {
    return invalidAddress
  }
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') return invalidAddress
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'https:' || tls) {
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 2376))
    return ok({ kind: 'https', host: hostname, port, tls: tls ?? {} })
  }
  return ok({ kind: 'http', host: hostname, port: Number(url.port || (url.protocol === 'http:' ? 80 : 2375)) })
}

/**
 * Reads `ca.pem`, `cert.pem` and `key.pem` from `directory`. Which of them are needed depends on the engine, so any
 * subset is accepted. If all are missing, the result is `null`, or a fault if TLS is `required`.
 */
export function readTlsFiles(directory: string, required: boolean): Outcome<TlsFiles | null> {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readIfExists(join(directory, name)))
  if (ca === undefined && cert === undefined && key === undefined) {
    return required ? fault('permanent', `${directory} has no readable ca.pem, cert.pem or key.pem`) : ok(null)
  }
  return ok({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // the caller reports what is missing
  }
}

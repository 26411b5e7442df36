import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ok, fault, type Outcome } from '../../../workspace/fault.ts'
import type { DockerTarget, TlsFiles } from './docker-target.ts'

const acceptedForms = 'Use unix:///path/to/docker.sock, tcp://host:2375 or https://host:2376.'

/** What `host`, as in DOCKER_HOST, means. With `tls` a tcp address is spoken to over TLS. */
export function parseDockerHost(host: string, tls: TlsFiles | null): Outcome<DockerTarget['at']> {
  const socketMatch = /^(?:unix|npipe):\/\/(.*)$/.exec(host)
  if (socketMatch) {
    return socketMatch[1]
      ? ok({ kind: 'socket', path: socketMatch[1] })
      : fault('permanent', `"${host}" names no socket. ${acceptedForms}`)
  }
  if (/^ssh:/i.test(host)) {
    const advice =
      'Forward the socket (ssh -NL /tmp/docker.sock:/var/run/docker.sock HOST) and use unix:///tmp/docker.sock.'
    return fault('permanent', `"${host}": an engine behind ssh is not supported. ${advice}`)
  }
  let url: URL
  try {
    url = new URL(host.includes('://') ? host : `tcp://${host}`)
  } catch {
    return fault('permanent', `"${host}" is no address of an engine. ${acceptedForms}`)
  }
  if (!['tcp:', 'http:', 'https:'].includes(url.protocol) || url.hostname === '') {
    return fault('permanent', `"${host}" is no address of an engine. ${acceptedForms}`)
  }
  const hostname = url.hostname.replace(/^\[(.*)\]$/, '$1')
  if (url.protocol === 'https:' || tls) {
    const port = Number(url.port || (url.protocol === 'https:' ? 443 : 2376))
    return ok({ kind: 'https', host: hostname, port, tls: tls ?? {} })
  }
  return ok({ kind: 'http', host: hostname, port: Number(url.port || (url.protocol === 'http:' ? 80 : 2375)) })
}

/**
 * The certificates in `dir`; `null` without one, when nothing asks for TLS. Which of `ca.pem`, `cert.pem` and `key.pem`
 * must be there depends on the engine; that there is none at all is a mistake worth naming if TLS was asked for
 * (`required`).
 */
export function readTlsFiles(directory: string, required: boolean): Outcome<TlsFiles | null> {
  const [ca, cert, key] = ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readIfExists(join(directory, name)))
  if (ca === undefined && cert === undefined && key === undefined) {
    return required ? fault('permanent', `there is no readable ca.pem, cert.pem or key.pem in ${directory}`) : ok(null)
  }
  return ok({ ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) })
}

function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined // the caller says what is missing
  }
}

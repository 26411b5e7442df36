import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

/** A registry on loopback, where the engine requires no certificate. */
export interface Registry {
  /**
   * `127.0.0.1:PORT`. Serves `good:1`, an image of one file; `slow:1`, whose layer never completes; denies `secret:1`.
   */
  readonly host: string
  close(): Promise<void>
}

const manifestType = 'application/vnd.docker.distribution.manifest.v2+json'

/**
 * Starts a registry. If `silent`, it accepts connections and never answers, like one behind a packet-dropping firewall.
 */
export async function startRegistry(silent = false): Promise<Registry> {
  // One layer each: an engine that has a layer from one repository does not fetch it from another.
  const images = new Map(['good', 'slow'].map((repository) => [repository, randomImage()]))
  const server = createServer((request, response) => {
    if (silent) return
    const [, repository, kind, name] = /^\/v2\/([^/]+)\/(manifests|blobs)\/([^/]+)$/.exec(request.url ?? '') ?? []
    if (request.url === '/v2/') return respond(response, 200, 'application/json', Buffer.from('{}'))
    if (repository === 'secret') return refuse(response, 403, 'DENIED', 'requested access to the resource is denied')
    const image = images.get(repository ?? '')
    if (image === undefined) return refuse(response, 404, 'NAME_UNKNOWN', 'repository name not known')
    if (kind === 'manifests' && (name === '1' || name === digest(image.manifest)))
      return respond(response, 200, manifestType, image.manifest)
    const blob = kind === 'blobs' ? image.blobs.get(name ?? '') : undefined
    if (blob === undefined) return refuse(response, 404, 'MANIFEST_UNKNOWN', 'manifest unknown')
    if (repository === 'slow' && blob.length > 1000) return sendPartially(response, blob)
    respond(response, 200, 'application/octet-stream', blob)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('the registry has no port')
  return {
    host: `127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

function randomImage(): { manifest: Buffer; blobs: Map<string, Buffer> } {
  const dir = mkdtempSync(join(tmpdir(), 'vm-api-layer-'))
  // Random, so that the engine does not have the layer yet and it cannot be compressed.
  writeFileSync(join(dir, 'file'), Buffer.from(Array.from({ length: 300_000 }, () => Math.floor(Math.random() * 256))))
  const tar = execFileSync('tar', ['-C', dir, '-cf', '-', 'file'])
  rmSync(dir, { recursive: true })
  const layer = gzipSync(tar)
  const rootfs = { type: 'layers', diff_ids: [digest(tar)] }
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: { Cmd: ['/file'] }, rootfs }))
  const descriptor = (mediaType: string, blob: Buffer) => ({ mediaType, size: blob.length, digest: digest(blob) })
  const manifest = {
    schemaVersion: 2,
    mediaType: manifestType,
    config: descriptor('application/vnd.docker.container.image.v1+json', config),
    layers: [descriptor('application/vnd.docker.image.rootfs.diff.tar.gzip', layer)],
  }
  const blobs = new Map([config, layer].map((blob) => [digest(blob), blob]))
  return { manifest: Buffer.from(JSON.stringify(manifest)), blobs }
}

function digest(blob: Buffer): string {
  return `sha256:${createHash('sha256').update(blob).digest('hex')}`
}

function respond(response: ServerResponse, status: number, type: string, body: Buffer): void {
  const headers = { 'content-type': type, 'content-length': body.length, 'docker-content-digest': digest(body) }
  response.writeHead(status, { ...headers, 'docker-distribution-api-version': 'registry/2.0' }).end(body)
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  respond(response, status, 'application/json', Buffer.from(JSON.stringify({ errors: [{ code, message }] })))
}

/** Sends the first third only. */
function sendPartially(response: ServerResponse, body: Buffer): void {
  response.writeHead(200, { 'content-length': body.length })
  response.write(body.subarray(0, body.length / 3))
}

import { randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../../src/provider/docker/docker-provider.ts'
import { dockerClient, removeAll } from '../../engine/docker-client.ts'
import { baseImage, ensureBaseImage } from '../../engine/images.ts'
import { liveEngine, noEngine } from '../../engine/live-engine.ts'
import { silentLog } from '../../silent-log.ts'
import { openTestServer } from '../test-server.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()

describe.skipIf(live === undefined)('Files and logs of a workspace on a live engine', () => {
  const docker = dockerClient(target)
  beforeAll(() => ensureBaseImage(docker))
  afterAll(() => removeAll(docker, installation))

  async function openDockerWorkspace(postCreate = 'true') {
    const provider = dockerProvider({ installation, target: target, log: silentLog })
    const testServer = await openTestServer({ docker: { provider, image: baseImage }, postCreate })
    const port = await testServer.listen()
    const { id } = await testServer.createWorkspace()
    await testServer.waitFor(id, ({ status }) => status === 'running')
    const api = `/api/v1/workspaces/${id}`
    const url = `http://127.0.0.1:${port}${api}`
    const fetchFile = async (method: string, path: string, body?: Uint8Array<ArrayBuffer>) => {
      const response = await fetch(url + path, { method, headers: { 'x-user': 'alice' }, ...(body && { body }) })
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()), headers: response.headers }
    }
    return { ...testServer, api, port, fetchFile }
  }

  it('a file is stored and read back as the user of the workspace', async () => {
    const { fetchFile, inject, api } = await openDockerWorkspace()
    const bytes = Buffer.from(randomBytes(20_000_000))
    expect((await fetchFile('PUT', '/files?path=data&mode=600', bytes)).status).toBe(200)
    expect((await fetchFile('GET', '/files?path=data')).body.equals(bytes)).toBe(true)
    expect((await inject('GET', `${api}/files/stat?path=data`)).json()).toMatchObject({
      bytes: 20_000_000,
      mode: '0600',
    })
    expect((await fetchFile('HEAD', '/files?path=data')).headers.get('content-length')).toBe('20000000')
    expect((await fetchFile('PUT', '/files?path=/etc/none', bytes)).status).toBe(403)
  })

  it('a truncated upload keeps the old file', async () => {
    const { fetchFile, inject, api, port } = await openDockerWorkspace()
    await fetchFile('PUT', '/files?path=file', Buffer.from('the old one'))
    const cut = request({
      host: '127.0.0.1',
      port,
      method: 'PUT',
      path: `${api}/files?path=file`,
      headers: { host: 'localhost', 'x-user': 'alice', 'content-length': 10_000_000 },
    })
    const broken = new Promise((resolve) => cut.once('error', resolve))
    await new Promise((resolve) => cut.write(Buffer.alloc(3_000_000), resolve))
    cut.destroy()
    await broken
    expect((await fetchFile('GET', '/files?path=file')).body.toString()).toBe('the old one')
    // Polled: the partial upload is removed shortly after the client disconnects.
    await expect
      .poll(async () =>
        (await inject('GET', `${api}/files/list?path=.`)).json<{ name: string }[]>().map(({ name }) => name),
      )
      .toEqual(['file'])
  })

  it('a tree is stored and read back, and a refused tree leaves nothing', async () => {
    const { fetchFile, inject, api } = await openDockerWorkspace()
    const good = { 'a/one': '1', 'a/ä': '2'.repeat(2_000_000) }
    expect((await fetchFile('PUT', '/files/tree?path=new/here', await tarWith(good))).status).toBe(200)
    const { body } = await fetchFile('GET', '/files/tree?path=new/here')
    const found: Record<string, number> = {}
    const reading = extract()
    Readable.from([body]).pipe(reading)
    for await (const entry of reading) found[entry.header.name] = (await buffer(entry)).length
    expect(found).toMatchObject({ './a/one': 1, './a/ä': 2_000_000 })
    const malicious = await tarWith({ ...good, '../bad': 'x' })
    for (const tar of [malicious, malicious.subarray(0, 1_000_000)])
      expect((await fetchFile('PUT', '/files/tree?path=other', tar)).status).toBe(400)
    expect((await inject('GET', `${api}/files/list?path=.`)).json()).toMatchObject([{ name: 'new' }])
  })

  it('the log has the output of lifecycle commands, with the stream', async () => {
    const { fetchFile } = await openDockerWorkspace('echo one; sleep 0.2; echo two >&2')
    const lines = (await fetchFile('GET', '/logs')).body.toString().trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { source: 'postCreateCommand', stream: 'stdout', data: 'one' },
      { source: 'postCreateCommand', stream: 'stderr', data: 'two' },
    ])
  })
})

async function tarWith(files: Readonly<Record<string, string>>): Promise<Buffer<ArrayBuffer>> {
  const tar = pack()
  const content = buffer(Readable.from(tar))
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content)
  tar.finalize()
  return Buffer.from(await content)
}

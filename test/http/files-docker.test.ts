import { randomBytes, randomUUID } from 'node:crypto'
import { request } from 'node:http'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { extract, pack } from 'tar-stream'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { dockerProvider } from '../../src/provider/docker/docker-provider.ts'
import { clientOf, sweep } from '../engine/client.ts'
import { baseImage, ensureBaseImage } from '../engine/images.ts'
import { liveEngine, noEngine } from '../engine/live-engine.ts'
import { silentLog } from '../engine/silent-log.ts'
import { openWorld } from './world.ts'

const live = await liveEngine()
const target = live ?? noEngine
const installation = randomUUID()

describe.skipIf(live === undefined)('Files and logs of a workspace on a live engine', () => {
  const docker = clientOf(target)
  beforeAll(() => ensureBaseImage(docker))
  afterAll(() => sweep(docker, installation))

  async function up(postCreate = 'true') {
    const provider = dockerProvider({ installation, docker: target, log: silentLog })
    const world = await openWorld({ docker: { provider, image: baseImage }, postCreate })
    const port = await world.listen()
    const { id } = await world.make()
    await world.until(id, ({ status }) => status === 'running')
    const api = `/api/v1/workspaces/${id}`
    const url = `http://127.0.0.1:${port}${api}`
    const ask = async (method: string, path: string, body?: Uint8Array<ArrayBuffer>) => {
      const answer = await fetch(url + path, { method, headers: { 'x-user': 'alice' }, ...(body && { body }) })
      return { status: answer.status, body: Buffer.from(await answer.arrayBuffer()), headers: answer.headers }
    }
    return { ...world, api, port, asked: ask }
  }

  it('takes a file and gives it back, as its own user', async () => {
    const { asked, ask, api } = await up()
    const bytes = Buffer.from(randomBytes(20_000_000))
    expect((await asked('PUT', '/files?path=data&mode=600', bytes)).status).toBe(200)
    expect((await asked('GET', '/files?path=data')).body.equals(bytes)).toBe(true)
    expect((await ask('GET', `${api}/files/stat?path=data`)).json()).toMatchObject({ bytes: 20_000_000, mode: '0600' })
    expect((await asked('HEAD', '/files?path=data')).headers.get('content-length')).toBe('20000000')
    expect((await asked('PUT', '/files?path=/etc/none', bytes)).status).toBe(403)
  })

  it('keeps the old file when an upload is cut off', async () => {
    const { asked, ask, api, port } = await up()
    await asked('PUT', '/files?path=file', Buffer.from('the old one'))
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
    expect((await asked('GET', '/files?path=file')).body.toString()).toBe('the old one')
    // Polled: what had come is thrown away a moment after the client is gone.
    await expect
      .poll(async () =>
        (await ask('GET', `${api}/files/list?path=.`)).json<{ name: string }[]>().map(({ name }) => name),
      )
      .toEqual(['file'])
  })

  it('takes a tree and gives it back, and nothing of one that is refused', async () => {
    const { asked, ask, api } = await up()
    const good = { 'a/one': '1', 'a/ä': '2'.repeat(2_000_000) }
    expect((await asked('PUT', '/files/tree?path=new/here', await tarOf(good))).status).toBe(200)
    const { body } = await asked('GET', '/files/tree?path=new/here')
    const found: Record<string, number> = {}
    const reading = extract()
    Readable.from([body]).pipe(reading)
    for await (const entry of reading) found[entry.header.name] = (await buffer(entry)).length
    expect(found).toMatchObject({ './a/one': 1, './a/ä': 2_000_000 })
    const bad = await tarOf({ ...good, '../bad': 'x' })
    for (const tar of [bad, bad.subarray(0, 1_000_000)])
      expect((await asked('PUT', '/files/tree?path=other', tar)).status).toBe(400)
    expect((await ask('GET', `${api}/files/list?path=.`)).json()).toMatchObject([{ name: 'new' }])
  })

  it('shows what its lifecycle commands wrote, on which stream', async () => {
    const { asked } = await up('echo one; sleep 0.2; echo two >&2')
    const lines = (await asked('GET', '/logs')).body.toString().trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { source: 'postCreateCommand', stream: 'stdout', data: 'one' },
      { source: 'postCreateCommand', stream: 'stderr', data: 'two' },
    ])
  })
})

async function tarOf(files: Readonly<Record<string, string>>): Promise<Buffer<ArrayBuffer>> {
  const made = pack()
  const whole = buffer(Readable.from(made))
  for (const [name, content] of Object.entries(files)) made.entry({ name }, content)
  made.finalize()
  return Buffer.from(await whole)
}

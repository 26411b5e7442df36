import { randomBytes } from 'node:crypto'
import { buffer } from 'node:stream/consumers'
import { Readable } from 'node:stream'
import { extract, pack } from 'tar-stream'
import { expect, test } from 'vitest'
import { openFilesWorkspace } from './files-client.ts'

/** A tar with an entry for each name. A content of `->TARGET` makes a symbolic link. */
async function tarWith(files: Readonly<Record<string, string>>): Promise<Buffer> {
  const tar = pack()
  const content = buffer(Readable.from(tar))
  for (const [name, content] of Object.entries(files)) {
    if (content.startsWith('->')) tar.entry({ name, type: 'symlink', linkname: content.slice(2) })
    else tar.entry({ name, uid: 4711, mode: 0o4755 }, content)
  }
  tar.finalize()
  return content
}

test('a tree is uploaded and downloaded as a tar', async () => {
  const { send, names, api, base } = await openFilesWorkspace()
  const tar = await tarWith({ 'a/one': '1', two: '2'.repeat(1_000_000), 'a/link': '->../two' })
  expect(await send('PUT', '/tree?path=here', tar)).toMatchObject({ status: 200 })
  expect(await names('here')).toEqual(['a', 'two'])
  expect((await api('GET', `${base}/stat?path=here/a/one`)).json()).toMatchObject({ mode: '0755' })
  expect((await api('GET', `${base}/stat?path=here/a/link`)).json()).toMatchObject({ kind: 'link', target: '../two' })
  const down = await send('GET', '/tree?path=here')
  expect(down.headers['content-type']).toBe('application/x-tar')
  const found = new Map<string, number>()
  const reading = extract()
  Readable.from([down.body]).pipe(reading)
  for await (const entry of reading) found.set(entry.header.name, (await buffer(entry)).length)
  expect(Object.fromEntries(found)).toEqual({ './a/': 0, './a/one': 1, './a/link': 0, './two': 1_000_000 })
})

test.each([
  ['a name that leads outside', { good: 'x', '../bad': 'x' }, '../bad'],
  ['an absolute name', { good: 'x', '/tmp/bad': 'x' }, '/tmp/bad'],
  ['a link that leads outside', { good: 'x', bad: '->/etc' }, 'bad'],
  ['a file through a link', { out: '->there', 'out/bad': 'x' }, 'out/bad'],
])('an archive with %s is refused, and none of it is unpacked', async (_label, files, named) => {
  const { send, names } = await openFilesWorkspace()
  const response = await send('PUT', '/tree?path=.', await tarWith(files))
  expect([response.status, JSON.parse(response.text).code]).toEqual([400, 'malformed-archive'])
  expect(response.text).toContain(named)
  expect(await names()).toEqual([])
})

test('a truncated, invalid or compressed archive is refused, and none of it is unpacked', async () => {
  const { send, names } = await openFilesWorkspace()
  const tar = await tarWith({ one: '1', two: '2'.repeat(100_000) })
  for (const body of [
    tar.subarray(0, 50_000),
    tar.subarray(0, 1024),
    Buffer.alloc(0),
    randomBytes(5000),
    Buffer.from('1f8b0800', 'hex'),
  ])
    expect((await send('PUT', '/tree?path=.', body)).text).toContain('"malformed-archive"')
  expect(await names()).toEqual([])
})

test('an upload of a tree whose client disconnects unpacks nothing', async () => {
  const { startRequest, names } = await openFilesWorkspace()
  const tar = await tarWith({ one: '1', two: '2'.repeat(1_000_000) })
  const { request, response } = startRequest('PUT', '/tree?path=.', { 'content-length': tar.length })
  await new Promise((resolve) => request.write(tar.subarray(0, 500_000), resolve))
  request.destroy()
  await expect(response).rejects.toThrow()
  expect(await names()).toEqual([])
})

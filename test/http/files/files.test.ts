import { createHash, randomBytes } from 'node:crypto'
import { buffer, text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { openFilesWorkspace } from './files-client.ts'
import type { TestServer } from '../test-server.ts'

const connections = ({ server }: TestServer['app']) =>
  new Promise<number>((resolve) => {
    server.getConnections((_error, count) => resolve(count))
  })

test('a file is read back byte for byte, and sent as an attachment', async () => {
  const { send } = await openFilesWorkspace()
  const bytes = randomBytes(3_000_000)
  expect(await send('PUT', '?path=data.bin', bytes)).toMatchObject({ status: 200, text: '{"message":"Done"}' })
  const read = await send('GET', '?path=data.bin')
  expect(read.body.equals(bytes)).toBe(true)
  expect(read.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-length': '3000000',
    'content-disposition': 'attachment',
    'x-content-type-options': 'nosniff',
  })
  expect(await send('HEAD', '?path=data.bin')).toMatchObject({
    status: 200,
    headers: { 'content-length': '3000000' },
    text: '',
  })
})

test('an append extends a file, and keeps the mode that the file was created with', async () => {
  const { api, base, send } = await openFilesWorkspace()
  await send('PUT', '?path=run.sh&mode=755', 'one\n')
  await send('PUT', '?path=run.sh&append=true', 'two\n')
  expect((await send('GET', '?path=run.sh')).text).toBe('one\ntwo\n')
  expect((await api('GET', `${base}/stat?path=run.sh`)).json()).toMatchObject({
    name: 'run.sh',
    kind: 'file',
    bytes: 8,
    mode: '0755',
  })
  await send('PUT', '?path=empty', '')
  expect((await send('GET', '?path=empty')).headers).toMatchObject({ 'content-length': '0' })
})

test('directories are created, listed by name, moved and removed', async () => {
  const { api, base, names, send } = await openFilesWorkspace()
  expect((await api('POST', `${base}/directory`, { body: { path: 'b/c' } })).statusCode).toBe(200)
  await send('PUT', '?path=b/z', 'z')
  await send('PUT', '?path=b/a', 'a')
  expect(await names('b')).toEqual(['a', 'c', 'z'])
  expect((await api('POST', `${base}/move`, { body: { from: 'b', to: 'd' } })).json()).toEqual({ message: 'Done' })
  expect((await api('DELETE', `${base}?path=d`)).json()).toMatchObject({ code: 'directory-not-empty' })
  expect((await api('DELETE', `${base}?path=d&recursive=true`)).statusCode).toBe(200)
  expect(await names()).toEqual([])
})

test('an impossible file operation is refused with its problem code', async () => {
  const { api, base, send } = await openFilesWorkspace()
  await api('POST', `${base}/directory`, { body: { path: 'dir' } })
  await send('PUT', '?path=file', 'x')
  for (const [method, path, status, code] of [
    ['GET', '?path=none', 404, 'file-not-found'],
    ['GET', '?path=dir', 409, 'not-a-file'],
    ['PUT', '?path=dir', 409, 'not-a-file'],
    ['GET', '/list?path=file', 409, 'not-a-directory'],
    ['PUT', '?path=none/x', 404, 'file-not-found'],
    ['PUT', '?path=file/x', 409, 'not-a-directory'],
    ['GET', '?path=/etc/passwd', 403, 'path-outside'],
    ['GET', '?path=../x', 400, 'invalid'],
    ['GET', '?path=a/../b', 400, 'invalid'],
    ['PUT', '?path=a%00b', 400, 'invalid'],
    ['GET', '?path=', 400, 'invalid'],
    ['GET', '', 400, 'invalid'],
    ['PUT', '?path=x&mode=9', 400, 'invalid'],
    ['DELETE', '?path=.&recursive=true', 403, 'file-denied'],
    ['DELETE', '?path=none', 404, 'file-not-found'],
  ] as const) {
    const response = await send(method, path)
    expect({ status: response.status, code: JSON.parse(response.text).code }, `${method} ${path}`).toEqual({
      status,
      code,
    })
  }
})

test('a file operation in a workspace that is not running is refused with its state', async () => {
  const { api, base, id, send, waitFor } = await openFilesWorkspace()
  await api('POST', `/api/v1/workspaces/${id}/stop`)
  await waitFor(id, ({ status }) => status === 'stopped')
  for (const [method, path] of [
    ['GET', '?path=a'],
    ['PUT', '?path=a'],
    ['PUT', '/tree?path=a'],
    ['GET', '/list?path=.'],
  ] as const) {
    const response = await send(method, path, method === 'PUT' ? 'x'.repeat(100_000) : '')
    expect([response.status, JSON.parse(response.text)]).toMatchObject([
      409,
      { code: 'refused-in-state', state: 'stopped.idle' },
    ])
  }
  expect((await api('POST', `${base}/directory`, { body: { path: 'a' } })).statusCode).toBe(409)
})

test('a truncated upload keeps the old file and leaves nothing else', async () => {
  const { startRequest, names, send } = await openFilesWorkspace()
  await send('PUT', '?path=file', 'the old one')
  for (const query of ['', '&append=true']) {
    const { request, response } = startRequest('PUT', `?path=file${query}`, {
      'content-length': 1_000_000,
    })
    await new Promise((resolve) => request.write(Buffer.alloc(300_000), resolve))
    request.destroy()
    await expect(response).rejects.toThrow()
  }
  expect((await send('GET', '?path=file')).text).toBe('the old one')
  expect(await names()).toEqual(['file'])
})

test('an upload that stalls is answered with 408, and the old file is kept', async () => {
  const { startRequest, names, send } = await openFilesWorkspace({ idleBodyMs: 300 })
  await send('PUT', '?path=file', 'the old one')
  const { request, response } = startRequest('PUT', '?path=file', { 'content-length': 1000 })
  request.write('half')
  const received = await response
  expect([received.statusCode, JSON.parse(await text(received))]).toMatchObject([408, { code: 'request-timeout' }])
  expect((await send('GET', '?path=file')).text).toBe('the old one')
  expect(await names()).toEqual(['file'])
})

test('a refused upload is answered before its body has arrived', async () => {
  const { startRequest } = await openFilesWorkspace()
  const { request, response } = startRequest('PUT', '?path=none/file', { 'content-length': 100_000_000 })
  request.write(Buffer.alloc(1_000_000))
  const received = await response
  expect([received.statusCode, JSON.parse(await text(received))]).toMatchObject([404, { code: 'file-not-found' }])
})

test('an aborted download ends, and the next one is complete', async () => {
  const { startRequest, send } = await openFilesWorkspace()
  const bytes = Buffer.alloc(30_000_000, 'x')
  await send('PUT', '?path=large', bytes)
  const { request, response } = startRequest('GET', '?path=large')
  request.end()
  const received = await response
  await new Promise((resolve) => received.once('data', resolve))
  request.destroy()
  expect((await send('GET', '?path=large')).body.length).toBe(bytes.length)
})

test('a download that the client does not read is disconnected after a timeout', async () => {
  const { app, startRequest, send } = await openFilesWorkspace({ idleBodyMs: 300 })
  await send('PUT', '?path=large', Buffer.alloc(50_000_000))
  const { request, response } = startRequest('GET', '?path=large')
  request.end()
  const received = await response
  received.pause()
  await new Promise((resolve) => received.once('readable', resolve))
  // Polled: a client that does not read does not notice the disconnect.
  await vi.waitFor(async () => expect(await connections(app)).toBe(0), 10_000)
  await expect(buffer(received)).rejects.toThrow('aborted')
})

test('a compressed body is refused', async () => {
  const { startRequest } = await openFilesWorkspace()
  const { request, response } = startRequest('PUT', '?path=a', {
    'content-encoding': 'gzip',
    'content-length': 3,
  })
  request.end('abc')
  expect((await response).statusCode).toBe(415)
})

test('a large file is uploaded and downloaded in little memory', async () => {
  const { startRequest, send } = await openFilesWorkspace()
  const [chunk, chunks] = [randomBytes(1024 * 1024), 300]
  const { request, response } = startRequest('PUT', '?path=large', {
    'content-length': chunk.length * chunks,
  })
  const sent = createHash('sha256')
  let peak = 0
  const recordPeak = () => (peak = Math.max(peak, process.memoryUsage().arrayBuffers))
  const before = process.memoryUsage().arrayBuffers
  for (let at = 0; at < chunks; at += 1) {
    sent.update(chunk)
    if (!request.write(chunk)) await new Promise((resolve) => request.once('drain', resolve))
    recordPeak()
  }
  request.end()
  expect((await response).statusCode).toBe(200)
  const read = startRequest('GET', '?path=large')
  read.request.end()
  const hash = createHash('sha256')
  for await (const bytes of await read.response) {
    hash.update(bytes)
    recordPeak()
  }
  expect(hash.digest('hex')).toBe(sent.digest('hex'))
  expect(peak - before).toBeLessThan(100 * 1024 * 1024)
  await send('DELETE', '?path=large')
})

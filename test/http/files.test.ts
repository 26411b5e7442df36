import { createHash, randomBytes } from 'node:crypto'
import { buffer, text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { up } from './files-client.ts'
import type { World } from './world.ts'

const connections = ({ server }: World['app']) =>
  new Promise<number>((resolve) => {
    server.getConnections((_error, count) => resolve(count))
  })

test('what is written to a file is read from it, byte by byte, and told to be saved and not shown', async () => {
  const { send } = await up()
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

test('a file is appended to, has the mode that was asked for, and keeps it', async () => {
  const { api, base, send } = await up()
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

test('directories are made, listed by name, moved and removed', async () => {
  const { api, base, names, send } = await up()
  expect((await api('POST', `${base}/directory`, { body: { path: 'b/c' } })).statusCode).toBe(200)
  await send('PUT', '?path=b/z', 'z')
  await send('PUT', '?path=b/a', 'a')
  expect(await names('b')).toEqual(['a', 'c', 'z'])
  expect((await api('POST', `${base}/move`, { body: { from: 'b', to: 'd' } })).json()).toEqual({ message: 'Done' })
  expect((await api('DELETE', `${base}?path=d`)).json()).toMatchObject({ code: 'directory-not-empty' })
  expect((await api('DELETE', `${base}?path=d&recursive=true`)).statusCode).toBe(200)
  expect(await names()).toEqual([])
})

test('what cannot be done with a file is refused, each with its code', async () => {
  const { api, base, send } = await up()
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
    const answer = await send(method, path)
    expect({ status: answer.status, code: JSON.parse(answer.text).code }, `${method} ${path}`).toEqual({ status, code })
  }
})

test('files of a workspace that does not run are refused with its state', async () => {
  const { api, base, id, send, until } = await up()
  await api('POST', `/api/v1/workspaces/${id}/stop`)
  await until(id, ({ status }) => status === 'stopped')
  for (const [method, path] of [
    ['GET', '?path=a'],
    ['PUT', '?path=a'],
    ['PUT', '/tree?path=a'],
    ['GET', '/list?path=.'],
  ] as const) {
    const answer = await send(method, path, method === 'PUT' ? 'x'.repeat(100_000) : '')
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      409,
      { code: 'refused-in-state', state: 'stopped.idle' },
    ])
  }
  expect((await api('POST', `${base}/directory`, { body: { path: 'a' } })).statusCode).toBe(409)
})

test('an upload that is cut off half-way leaves the old file, and nothing else', async () => {
  const { begin, names, send } = await up()
  await send('PUT', '?path=file', 'the old one')
  for (const query of ['', '&append=true']) {
    const { asked, answer } = begin('PUT', `?path=file${query}`, { 'content-length': 1_000_000 })
    await new Promise((resolve) => asked.write(Buffer.alloc(300_000), resolve))
    asked.destroy()
    await expect(answer).rejects.toThrow()
  }
  expect((await send('GET', '?path=file')).text).toBe('the old one')
  expect(await names()).toEqual(['file'])
})

test('an upload of which nothing comes any more is cut off, and says so', async () => {
  const { begin, names, send } = await up({ idleBodyMs: 300 })
  await send('PUT', '?path=file', 'the old one')
  const { asked, answer } = begin('PUT', '?path=file', { 'content-length': 1000 })
  asked.write('half')
  const got = await answer
  expect([got.statusCode, JSON.parse(await text(got))]).toMatchObject([408, { code: 'request-timeout' }])
  expect((await send('GET', '?path=file')).text).toBe('the old one')
  expect(await names()).toEqual(['file'])
})

test('an upload that is refused is answered, though its body has not come', async () => {
  const { begin } = await up()
  const { asked, answer } = begin('PUT', '?path=none/file', { 'content-length': 100_000_000 })
  asked.write(Buffer.alloc(1_000_000))
  const got = await answer
  expect([got.statusCode, JSON.parse(await text(got))]).toMatchObject([404, { code: 'file-not-found' }])
})

test('a download that is left is ended, and the next one is whole', async () => {
  const { begin, send } = await up()
  const bytes = Buffer.alloc(30_000_000, 'x')
  await send('PUT', '?path=large', bytes)
  const { asked, answer } = begin('GET', '?path=large')
  asked.end()
  const got = await answer
  await new Promise((resolve) => got.once('data', resolve))
  asked.destroy()
  expect((await send('GET', '?path=large')).body.length).toBe(bytes.length)
})

test('a download that nobody takes is cut off after a while', async () => {
  const { app, begin, send } = await up({ idleBodyMs: 300 })
  await send('PUT', '?path=large', Buffer.alloc(50_000_000))
  const { asked, answer } = begin('GET', '?path=large')
  asked.end()
  const got = await answer
  got.pause()
  await new Promise((resolve) => got.once('readable', resolve))
  // Polled: a client that does not read is not told either.
  await vi.waitFor(async () => expect(await connections(app)).toBe(0), 10_000)
  await expect(buffer(got)).rejects.toThrow('aborted')
})

test('a body that is compressed is refused', async () => {
  const { begin } = await up()
  const { asked, answer } = begin('PUT', '?path=a', { 'content-encoding': 'gzip', 'content-length': 3 })
  asked.end('abc')
  expect((await answer).statusCode).toBe(415)
})

test('a large file passes either way through little memory', async () => {
  const { begin, send } = await up()
  const [piece, pieces] = [randomBytes(1024 * 1024), 300]
  const { asked, answer } = begin('PUT', '?path=large', { 'content-length': piece.length * pieces })
  const sent = createHash('sha256')
  let most = 0
  const watch = () => (most = Math.max(most, process.memoryUsage().arrayBuffers))
  const before = process.memoryUsage().arrayBuffers
  for (let at = 0; at < pieces; at += 1) {
    sent.update(piece)
    if (!asked.write(piece)) await new Promise((resolve) => asked.once('drain', resolve))
    watch()
  }
  asked.end()
  expect((await answer).statusCode).toBe(200)
  const read = begin('GET', '?path=large')
  read.asked.end()
  const hash = createHash('sha256')
  for await (const bytes of await read.answer) {
    hash.update(bytes)
    watch()
  }
  expect(hash.digest('hex')).toBe(sent.digest('hex'))
  expect(most - before).toBeLessThan(100 * 1024 * 1024)
  await send('DELETE', '?path=large')
})

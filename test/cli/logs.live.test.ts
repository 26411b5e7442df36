import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { waitForExit, useCliFixture } from './vm-fixture.ts'

const fixture = useCliFixture((folder) => {
  const template = join(folder, 'templates/base')
  mkdirSync(template, { recursive: true })
  const definition = {
    image: 'debian:13.3-slim',
    postCreateCommand: "echo made; printf 'not UTF-8: \\377\\n' >&2",
    postStartCommand: 'echo started',
  }
  writeFileSync(join(template, 'devcontainer.json'), JSON.stringify(definition))
  return { VM_API_TEMPLATES_DIR: join(folder, 'templates') }
})

beforeAll(async () => {
  await fixture().createWorkspace('noisy')
})

test('output of lifecycle commands is shown with their names, byte for byte', async () => {
  const { bytes, code, stderr } = await fixture().vm(['logs', 'noisy'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const lines = bytes.toString('latin1').trimEnd().split('\n')
  expect(lines.sort()).toEqual([
    'postCreateCommand | made',
    'postCreateCommand | not UTF-8: \u00ff',
    'postStartCommand | started',
  ])
  expect((await fixture().vm(['logs', 'noisy', '--tail', '1'])).stdout).toBe('postStartCommand | started\n')
  expect((await fixture().vm(['logs', 'noisy', '-t', '-n', '1'])).stdout).toMatch(
    /^\d{4}-\S+Z postStartCommand \| started$/m,
  )
})

test('with --json, each line is an object', async () => {
  const { stdout } = await fixture().vm(['logs', 'noisy', '--json', '--since', '1h'])
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => Object(JSON.parse(line)))
  expect(lines.map(({ source }) => source)).toContain('postStartCommand')
  expect(lines.find(({ encoding }) => encoding === 'base64')).toMatchObject({ source: 'postCreateCommand' })
})

test('a followed log shows new lines, and ends when the workspace stops', async () => {
  const { start, vm } = fixture()
  const child = start(['logs', '-f', 'noisy'])
  const result = waitForExit(child)
  await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()))
  await vm(['restart', 'noisy'])
  await vm(['stop', 'noisy'])
  const { code, stdout } = await result
  expect(code).toBe(0)
  expect(stdout.match(/postStartCommand \| started/g)).toHaveLength(2)
})

import { describe, expect, test } from 'vitest'
import { parseMemoryBytes } from '../../src/template/devcontainer-schema.ts'
import { problemsOf, templateOf, ignoredFieldsOf } from './template-folder.ts'

describe('a definition', () => {
  test('gets defaults for missing fields', () => {
    expect(templateOf({ image: 'alpine:3.23.3' })).toEqual({
      name: 'sample',
      title: 'sample',
      spec: {
        image: 'alpine:3.23.3',
        containerEnv: {},
        remoteEnv: {},
        remoteUser: null,
        workspaceFolder: '/workspace',
        forwardPorts: [],
        overrideCommand: true,
        init: true,
        limits: { cpus: 1, memoryBytes: 2 * 1024 ** 3, pids: 512 },
        onCreate: [],
        postCreate: [],
        postStart: [],
      },
    })
  })

  test('takes effect in every field that the guide names', () => {
    const text = `\uFEFF{
      // comments and trailing commas are allowed
      "name": " Node ", "image": "ghcr.io/a/b:1.2@sha256:00ff", "remoteUser": "1000:1000",
      "containerEnv": { "A": "\${containerWorkspaceFolder}/bin:\${HOME}" }, "remoteEnv": { "B": "\${containerWorkspaceFolderBasename}" },
      "workspaceFolder": "/srv//my app/", "forwardPorts": [80, 8080, 80],
      "onCreateCommand": "echo $HOME && ls \${containerWorkspaceFolder}", "postCreateCommand": ["npm", "ci", ""],
      "postStartCommand": { "web": "serve", "api": ["run", "\${containerWorkspaceFolderBasename}"], "none": "" },
      "overrideCommand": false, "init": false,
      "customizations": { "vm-api": { "cpus": 1.5, "memory": "512MiB", "pids": 100 }, "vscode": { "settings": { "a": "\${localEnv:HOME}" } } }, /* the end */
    }`
    expect(templateOf(text)).toEqual({
      name: 'sample',
      title: 'Node',
      spec: {
        image: 'ghcr.io/a/b:1.2@sha256:00ff',
        containerEnv: { A: '/srv/my app/bin:${HOME}' },
        remoteEnv: { B: 'my app' },
        remoteUser: '1000:1000',
        workspaceFolder: '/srv/my app',
        forwardPorts: [80, 8080],
        overrideCommand: false,
        init: false,
        limits: { cpus: 1.5, memoryBytes: 512 * 1024 ** 2, pids: 100 },
        onCreate: [{ name: 'onCreateCommand', run: 'echo $HOME && ls /srv/my app' }],
        postCreate: [{ name: 'postCreateCommand', run: ['npm', 'ci', ''] }],
        postStart: [
          { name: 'postStartCommand.web', run: 'serve' },
          { name: 'postStartCommand.api', run: ['run', 'my app'] },
        ],
      },
    })
  })

  test('may have a field named like a property of every object', () => {
    expect(ignoredFieldsOf({ image: 'a', constructor: 'x', toString: ['y'] })).toEqual(['constructor', 'toString'])
  })

  test('has its unsupported but harmless fields reported by name', () => {
    const definition = {
      $schema: 'https://example.org',
      image: 'a',
      features: { 'ghcr.io/devcontainers/features/git:1': {} },
      forwardPorts: [1, 'db:5432'],
      containerUser: 'node',
      privileged: false,
      capAdd: [],
      runArgs: ['--name=x', '--network', 'mine', '-p', '80:80'],
      mounts: [
        'source=cache-${devcontainerId},target=/c,type=volume',
        { type: 'volume', source: 'a', target: '/b' },
        'type=tmpfs,target=/t',
      ],
      initializeCommand: 'rm -rf ${localWorkspaceFolder}',
      customizations: { vscode: {} },
    }
    expect(ignoredFieldsOf(definition)).toEqual([
      'features',
      'containerUser',
      'runArgs',
      'mounts',
      'initializeCommand',
      'forwardPorts[1]',
    ])
  })

  test('that is not JSON is refused with the line of each mistake', () => {
    const found = problemsOf('{\n  "image" "a",\n\n  // fine\n  "name": tru,\r\n  "init": true\n}')
    expect(found.map(({ line }) => line)).toEqual([2, 5])
    expect(found[0]?.reason).toBe('the file is not valid JSON (colon expected)')
  })

  test.each([
    ['empty', '', 1],
    ['a list', '[]', 1],
    ['a string', '\n\n"x"', 3],
    ['followed by another token', '{ "image": "a" }\n}', 2],
    ['nested too deeply', '['.repeat(100_000), 1],
    ['unterminated', '{ "image": "a",\n', 2],
    ['too large', `{ "image": "a" } ${' '.repeat(300_000)}`, 1],
  ])('that is %s is refused', (_label, text, line) => {
    expect(problemsOf(text)[0]).toMatchObject({ line, reason: expect.stringMatching(/^the file /) })
  })

  test('with a duplicate key is refused, because parsers differ in which one they use', () => {
    const found = problemsOf(
      '{\n "image": "a",\n "privileged": true,\n "privileged": false,\n "containerEnv": {"__proto__": "x"} }',
    )
    expect(found.map(({ line, reason }) => [line, reason])).toEqual([
      [4, '`privileged` is defined here and on line 3'],
      [5, '`__proto__` is not allowed as a name'],
    ])
  })

  test('that is not UTF-8 is refused', () => {
    expect(problemsOf(Buffer.from([0x7b, 0xff, 0x7d]))).toMatchObject([
      { line: null, reason: 'cannot be read (ERR_ENCODING_INVALID_ENCODED_DATA)' },
    ])
  })
})

test.each([
  ['2g', 2 * 1024 ** 3],
  ['2gb', 2 * 1024 ** 3],
  ['2 GiB', 2 * 1024 ** 3],
  ['512MiB', 512 * 1024 ** 2],
  ['1.5m', 1.5 * 1024 ** 2],
  ['100k', 102_400],
  ['1tb', 1024 ** 4],
  ['1000', 1000],
  ['1000b', 1000],
  [4096, 4096],
  ['', undefined],
  ['g', undefined],
  ['-1g', undefined],
  ['1e9', undefined],
  ['2 giga', undefined],
  ['9'.repeat(30), undefined],
  [1.5, undefined],
  [Number.NaN, undefined],
  [null, undefined],
  [{}, undefined],
])('the size %j is %s bytes', (size, bytes) => {
  expect(parseMemoryBytes(size)).toBe(bytes)
})

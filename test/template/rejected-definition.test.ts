import { describe, expect, test } from 'vitest'
import { describeTemplateProblems } from '../../src/template/template-problem.ts'
import { problemsOf } from './template-folder.ts'

describe('a definition', () => {
  const invalid: [what: string, fields: object, field: string][] = [
    ['no image', { image: undefined }, '`image` is missing'],
    [
      'a build instead of an image',
      { image: undefined, build: { dockerfile: 'Dockerfile' } },
      '`build` is set without `image`',
    ],
    ['features instead of an image', { image: undefined, features: {} }, '`features` is set without `image`'],
    [
      'compose instead of an image',
      { image: undefined, dockerComposeFile: 'c.yml' },
      '`dockerComposeFile` is set without `image`',
    ],
    ['an image that is a number', { image: 5 }, '`image` is 5'],
    ['an empty image', { image: '' }, '`image` is ""'],
    ['an image that looks like an option', { image: '--privileged' }, '`image` is "--privileged"'],
    ['a name that is not a string', { name: [] }, '`name` is a list'],
    ['an environment that is a list', { containerEnv: ['A=1'] }, '`containerEnv` is a list'],
    ['an environment with a number', { containerEnv: { A: 1 } }, '`containerEnv.A` is a number'],
    ['an environment with null', { remoteEnv: { A: null } }, '`remoteEnv.A` is null'],
    ['an environment with NUL', { remoteEnv: { A: 'a\0b' } }, '`remoteEnv.A` is an invalid string'],
    ['a variable name with =', { containerEnv: { 'A=B': '1' } }, '`containerEnv.A=B`'],
    ['a user with a space', { remoteUser: 'a b' }, '`remoteUser` is "a b"'],
    ['a user that is null', { remoteUser: null }, '`remoteUser` is null'],
    ['a relative folder', { workspaceFolder: 'workspace' }, '`workspaceFolder` is "workspace"'],
    ['a folder with ..', { workspaceFolder: '/a/../b' }, '`workspaceFolder` is "/a/../b"'],
    ['a folder with a line break', { workspaceFolder: '/a\nb' }, '`workspaceFolder` is "/a\\nb"'],
    ['port 0', { forwardPorts: [80, 0] }, '`forwardPorts[1]` is 0'],
    ['port 65536', { forwardPorts: [65_536] }, '`forwardPorts[0]` is 65536'],
    ['half a port', { forwardPorts: [1.5] }, '`forwardPorts[0]` is 1.5'],
    ['a port as a string', { forwardPorts: ['80'] }, '`forwardPorts[0]` is "80"'],
    ['ports that are not a list', { forwardPorts: 80 }, '`forwardPorts` is 80'],
    ['a command that is a number', { onCreateCommand: 5 }, '`onCreateCommand` is a number'],
    ['a command that is null', { onCreateCommand: null }, '`onCreateCommand` is null'],
    ['a command with a wrong word', { postCreateCommand: ['a', 5] }, '`postCreateCommand[1]` is a number'],
    ['a command without a first word', { postCreateCommand: ['', 'a'] }, '`postCreateCommand[0]` is an invalid string'],
    ['a command with NUL', { postCreateCommand: 'a\0b' }, '`postCreateCommand` is an invalid string'],
    [
      'a named command that is wrong',
      { postStartCommand: { a: 'ok', b: [false] } },
      '`postStartCommand.b[0]` is a boolean',
    ],
    ['a command named by a number', { postStartCommand: { 1: 'a' } }, '`postStartCommand.1`'],
    ['a command in a command', { postStartCommand: { a: { b: 'c' } } }, '`postStartCommand.a` is an object'],
    ['a flag as a string', { init: 'true' }, '`init` is "true"'],
    ['a flag as a number', { overrideCommand: 0 }, '`overrideCommand` is 0'],
    ['zero cpus', { customizations: { 'vm-api': { cpus: 0 } } }, '`customizations.vm-api.cpus` is 0'],
    ['cpus as a string', { customizations: { 'vm-api': { cpus: '2' } } }, '`customizations.vm-api.cpus` is "2"'],
    [
      'memory without a number',
      { customizations: { 'vm-api': { memory: 'lots' } } },
      '`customizations.vm-api.memory` is "lots"',
    ],
    ['too little memory', { customizations: { 'vm-api': { memory: '5m' } } }, '`customizations.vm-api.memory` is "5m"'],
    ['half a process', { customizations: { 'vm-api': { pids: 99.5 } } }, '`customizations.vm-api.pids` is 99.5'],
    ['limits that are a list', { customizations: { 'vm-api': [] } }, '`customizations.vm-api` is a list'],
    [
      'an unknown limit',
      { customizations: { 'vm-api': { memroy: '2g' } } },
      '`customizations.vm-api.memroy` is not supported',
    ],
    ['customizations that are a string', { customizations: 'x' }, '`customizations` is "x"'],
    [
      "the server's environment",
      { containerEnv: { A: 'x${localEnv:AWS_SECRET}' } },
      '`containerEnv.A` uses `${localEnv:AWS_SECRET}`',
    ],
    [
      "the server's environment in the old syntax",
      { remoteEnv: { A: '${env:HOME}' } },
      '`remoteEnv.A` uses `${env:HOME}`',
    ],
    ["the server's environment in a command", { onCreateCommand: ['a', '${localEnv:X}'] }, '`onCreateCommand[1]` uses'],
    ["the server's environment in the image", { image: 'a:${localEnv:TAG}' }, '`image` uses `${localEnv:TAG}`'],
    [
      "the container's environment",
      { remoteEnv: { PATH: '${containerEnv:PATH}:/x' } },
      '`remoteEnv.PATH` uses `${containerEnv:PATH}`',
    ],
    ['a folder on the host', { workspaceFolder: '/w/${localWorkspaceFolderBasename}' }, '`workspaceFolder` uses'],
    ['privileged mode', { privileged: true }, '`privileged` requests'],
    ['privileged mode, in quotes', { privileged: 'true' }, '`privileged` requests'],
    ['capabilities', { capAdd: ['SYS_PTRACE'] }, '`capAdd` requests'],
    ['security options', { securityOpt: ['seccomp=unconfined'] }, '`securityOpt` changes'],
    ["the engine's socket", { mounts: ['source=/var/run/docker.sock,target=/s,type=bind'] }, '`mounts[0]` mounts'],
    [
      'a mount of the host',
      { mounts: ['type=volume,source=a,target=/a', { type: 'bind', source: '/', target: '/h' }] },
      '`mounts[1]` mounts',
    ],
    ['a mount of the host by a volume', { mounts: ['type=volume,source=/etc,target=/a'] }, '`mounts[0]` mounts'],
    [
      'a volume with options',
      { mounts: ['type=volume,source=a,target=/a,volume-opt=device=/etc'] },
      '`mounts[0]` mounts',
    ],
    ['a mount that cannot be read', { mounts: [5] }, '`mounts[0]` mounts'],
    [
      'a workspace from the host',
      { workspaceMount: 'source=${localWorkspaceFolder},target=/w,type=bind' },
      '`workspaceMount` mounts',
    ],
  ]
  test.each(invalid)('with %s is refused and names the field', (_label, fields, reason) => {
    const found = problemsOf({ image: 'alpine:3.23.3', ...fields })
    expect(found.map((problem) => problem.reason)).toEqual([expect.stringContaining(reason)])
    expect(found[0]).toMatchObject({ file: 'sample/devcontainer.json', line: 1 })
    expect(found[0]?.remedy).toMatch(/^[A-Z].*\.$/)
    expect(found[0]?.remedy).not.toMatch(/Invalid|expected|received/)
  })

  test.each([
    [['--privileged']],
    [['-v', '/:/host']],
    [['-v/:/host']],
    [['-itv', '/:/host']],
    [['--volume=/:/host']],
    [['--volumes-from', 'other']],
    [['--mount=type=bind,source=/,target=/h']],
    [['--network=host']],
    [['--network', 'host']],
    [['--net=container:other']],
    [['--pid=host']],
    [['--ipc', 'host']],
    [['--userns=host']],
    [['--cap-add=SYS_ADMIN']],
    [['--device=/dev/kvm']],
    [['--security-opt', 'seccomp=unconfined']],
    [['--env-file=/etc/secret']],
    ['--privileged'],
    [[{ privileged: true }]],
  ])('with the engine arguments %j is refused', (runArgs) => {
    expect(problemsOf({ image: 'a', runArgs }).map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^`runArgs\[0\]` gives/),
    ])
  })

  test('never prints a value that may be a secret', () => {
    const found = problemsOf({ image: 'a', containerEnv: { TOKEN: 4711 }, onCreateCommand: ['hunter2', 4711] })
    expect(describeTemplateProblems(found)).not.toMatch(/4711|hunter2/)
    expect(found).toHaveLength(2)
  })
})

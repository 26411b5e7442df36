import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type Config,
  configHelp,
  describeDefault,
  describeConfigProblems,
  readConfig,
} from '../../src/config/config.ts'
import { settingEntries } from '../../src/config/settings.ts'

const linux = { platform: 'linux', home: '/home/ann' }

function config(env: Record<string, string | undefined>, os = linux): Config {
  const read = readConfig(env, os)
  if (read.kind === 'invalid') throw new Error(describeConfigProblems(read.problems))
  return read.config
}

function problems(env: Record<string, string>) {
  const read = readConfig(env, linux)
  return read.kind === 'invalid' ? read.problems : []
}

describe('an empty environment', () => {
  test('gives the documented defaults', () => {
    expect(config({ HOME: '/elsewhere' })).toEqual({
      bind: { host: '127.0.0.1', port: 3000 },
      dbPath: '/home/ann/.vm/api/vm.db',
      provider: 'auto',
      templatesDir: null,
      auth: 'dev',
      trustedProxies: [
        { address: '127.0.0.0', prefix: 8, family: 'ipv4' },
        { address: '::1', prefix: 128, family: 'ipv6' },
      ],
      proxySecret: null,
      operators: [],
      provisionerIntervalMs: 5000,
      janitorIntervalMs: 60_000,
      provisionConcurrency: 8,
      journalDays: 30,
      metricsToken: null,
      logLevel: 'info',
      unknownVariables: [],
    })
  })

  test('is equivalent to empty variables, except for secrets', () => {
    const open = settingEntries.filter(([, { secret }]) => !secret)
    expect(config(Object.fromEntries(open.map(([name]) => [name, ' '])))).toEqual(config({}))
  })

  test.each([
    ['C:\\Users\\Ann\\AppData\\Roaming', 'C:\\Users\\Ann\\AppData\\Roaming\\vm\\api\\vm.db'],
    [undefined, 'D:\\Ann\\AppData\\Roaming\\vm\\api\\vm.db'],
  ])('on Windows with APPDATA %s puts the database at %s', (APPDATA, path) => {
    expect(config({ APPDATA }, { platform: 'win32', home: 'D:\\Ann' }).dbPath).toBe(path)
  })
})

const valid: [variable: string, text: string, expected: Partial<Config>][] = [
  ['VM_API_BIND', ' [::1]:0 ', { bind: { host: '::1', port: 0 } }],
  ['VM_API_BIND', 'localhost:65535', { bind: { host: 'localhost', port: 65_535 } }],
  ['VM_API_BIND', '127.8.8.8:80', { bind: { host: '127.8.8.8', port: 80 } }],
  ['VM_API_BIND', '[::ffff:127.0.0.1]:80', { bind: { host: '::ffff:127.0.0.1', port: 80 } }],
  ['VM_API_DB_PATH', '~/data/vm.db', { dbPath: '/home/ann/data/vm.db' }],
  ['VM_API_DB_PATH', '~ann/vm.db', { dbPath: join(process.cwd(), '~ann/vm.db') }],
  ['VM_API_DB_PATH', 'data/../vm.db', { dbPath: join(process.cwd(), 'vm.db') }],
  ['VM_API_PROVIDER', 'process\r', { provider: 'process' }],
  ['VM_API_TEMPLATES_DIR', '~', { templatesDir: '/home/ann' }],
  ['VM_API_AUTH', 'proxy', { auth: 'proxy' }],
  [
    'VM_API_TRUSTED_PROXIES',
    '10.0.0.5, 192.168.0.0/16,fd00::/8',
    {
      trustedProxies: [
        { address: '10.0.0.5', prefix: 32, family: 'ipv4' },
        { address: '192.168.0.0', prefix: 16, family: 'ipv4' },
        { address: 'fd00::', prefix: 8, family: 'ipv6' },
      ],
    },
  ],
  ['VM_API_PROXY_SECRET', 'a,b=c', { proxySecret: 'a,b=c' }],
  ['VM_API_PROVISIONER_INTERVAL', '0.25', { provisionerIntervalMs: 250 }],
  ['VM_API_JANITOR_INTERVAL', '86400', { janitorIntervalMs: 86_400_000 }],
  ['VM_API_PROVISION_CONCURRENCY', '1', { provisionConcurrency: 1 }],
  ['VM_API_JOURNAL_DAYS', '365', { journalDays: 365 }],
  ['VM_API_METRICS_TOKEN', 't0ken', { metricsToken: 't0ken' }],
  ['VM_API_LOG_LEVEL', 'silent', { logLevel: 'silent' }],
]
test.each(valid)('%s=%j is valid', (variable, text, expected) => {
  expect(config({ [variable]: text })).toMatchObject(expected)
})

test('duplicate operators are removed', () => {
  expect(config({ VM_API_OPERATORS: 'alice, bob,alice' }).operators).toEqual(['alice', 'bob'])
})

const invalid: Record<string, string[]> = {
  VM_API_BIND: [
    '3000 :3000 127.0.0.1 127.0.0.1: 127.0.0.1:65536 127.0.0.1:-1 127.0.0.1:3000x 127.0.0.1:80.5',
    '::1:3000 [::1] [127.0.0.1]:80 [x]:80 127.0.0.300:80 *:80 http://localhost:80 -a:80',
  ].flatMap((messages) => messages.split(' ')),
  VM_API_DB_PATH: [':memory:', 'file:x?mode=memory', 'a\0b'],
  VM_API_PROVIDER: ['Docker', 'podman', 'docker,process'],
  VM_API_TEMPLATES_DIR: ['a\0b'],
  VM_API_AUTH: ['none', 'DEV', 'true'],
  VM_API_TRUSTED_PROXIES: [
    'proxy.local 10.0.0 10.0.0.0/33 10.0.0.0/-1 10.0.0.0/ 10.0.0.0/8/8 10.0.0.1, , * true',
    '::/129 fe80::1%eth0 0.0.0.0/0 ::/0 [::1] 10.0.0.0/08x 10.0.0.1;10.0.0.2',
  ].flatMap((messages) => messages.split(' ')),
  VM_API_PROXY_SECRET: ['', ' ', 'two words', 'line\n', 'käse'],
  VM_API_OPERATORS: ['alice,', ',', 'älice', 'a\nb', 'x'.repeat(129)],
  VM_API_PROVISIONER_INTERVAL: ['0', '-1', '5s', 'five', '1e3', '0x5', 'NaN', 'Infinity', '86401', '.5', '5,5'],
  VM_API_JANITOR_INTERVAL: ['0.05', '999999999999'],
  VM_API_PROVISION_CONCURRENCY: ['0', '1.5', '1001', '-8', '+8', 'many'],
  VM_API_JOURNAL_DAYS: ['0', '36501', 'forever', '30d'],
  VM_API_METRICS_TOKEN: ['', 'a b', 'ü'],
  VM_API_LOG_LEVEL: ['verbose', 'INFO', '30'],
}
const invalidPairs = Object.entries(invalid).flatMap(([variable, messages]) =>
  messages.map((text): [string, string] => [variable, text]),
)
test.each(invalidPairs)('%s=%j is refused with the variable and the valid values', (variable, text) => {
  const found = problems({ [variable]: text })
  expect(found.map((problem) => problem.variable)).toEqual([variable])
  expect(found[0]?.expected).not.toMatch(/Invalid|received/)
  expect(describeConfigProblems(found)).toMatch(
    new RegExp(`^${variable} cannot be (".*"|\\(not shown\\))\\. Set it to .+\\.$`),
  )
})

test('every variable has a test with an invalid value', () => {
  expect(Object.keys(invalid)).toEqual(settingEntries.map(([name]) => name))
})

test('all invalid values are reported together', () => {
  const found = problems({ VM_API_BIND: 'x', VM_API_AUTH: 'y', VM_API_JOURNAL_DAYS: 'z' })
  expect(describeConfigProblems(found).split('\n')).toEqual([
    'VM_API_BIND cannot be "x". Set it to an address or host name and a port, for example 127.0.0.1:3000 or [::1]:3000.',
    'VM_API_AUTH cannot be "y". Set it to one of dev, proxy.',
    'VM_API_JOURNAL_DAYS cannot be "z". Set it to a whole number from 1 to 36500.',
  ])
})

test.each(['VM_API_PROXY_SECRET', 'VM_API_METRICS_TOKEN'])('the value of %s is never shown', (variable) => {
  const found = problems({ [variable]: 'hunter2 hunter2' })
  expect(found).toMatchObject([{ variable, value: '(not shown)' }])
  expect(describeConfigProblems(found)).not.toContain('hunter2')
})

test('a value with control characters is shown escaped and shortened', () => {
  const description = describeConfigProblems(problems({ VM_API_AUTH: `\u001b[2J${'x'.repeat(1000)}` }))
  expect(description).toContain('\\u001b[2J')
  expect(description.length).toBeLessThan(300)
})

describe('conflicting values', () => {
  test.each([
    '0.0.0.0:3000',
    '[::]:3000',
    '192.168.1.5:80',
    'example.org:80',
    '[::ffff:10.0.0.1]:80',
    'localhost.example.org:80',
  ])('are dev mode and %s, where every client could claim to be any user', (VM_API_BIND) => {
    const found = problems({ VM_API_BIND })
    expect(found).toMatchObject([{ variable: 'VM_API_BIND', value: VM_API_BIND }])
    expect(found[0]?.expected).toMatch(/127\.0\.0\.1:3000.* or set VM_API_AUTH=proxy/)
    expect(problems({ VM_API_BIND, VM_API_AUTH: 'proxy' })).toEqual([])
  })

  test('are a proxy and plain processes, which are not isolated', () => {
    const found = problems({ VM_API_AUTH: 'proxy', VM_API_PROVIDER: 'process' })
    expect(found).toMatchObject([{ variable: 'VM_API_PROVIDER', value: 'process' }])
  })
})

test.each([
  ['VM_API_BINDS', 'VM_API_BIND'],
  ['VM_API_DBPATH', 'VM_API_DB_PATH'],
  ['VM_API_OPERATOR', 'VM_API_OPERATORS'],
  ['vm_api_auth', 'VM_API_AUTH'],
  ['VM_API_SOMETHING_ELSE', null],
])('%s is unknown, and the suggestion is %s', (variable, expected) => {
  expect(config({ [variable]: 'x', PATH: '/bin', VM_OTHER: 'x' }).unknownVariables).toEqual([
    { variable, suggestion: expected },
  ])
})

test('docs/configuration.md has the table of settings', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8')
  const rows = settingEntries.map(([name, options]) => {
    const shownDefault = options.default === null ? describeDefault(options) : `\`${options.default}\``
    return `| \`${name}\` | ${shownDefault} | ${options.description} |`
  })
  expect(page.split('\n').filter((line) => line.startsWith('| `'))).toEqual(rows)
})

test('--help lists every variable with its default', () => {
  for (const [name, options] of settingEntries) expect(configHelp()).toContain(`${name} (${describeDefault(options)})`)
})

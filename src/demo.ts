// Shows the service to somebody who has never seen it: starts one on a database of its own, makes a workspace over the API, and says
// what it passes through. Without a terminal it deletes the workspace again, checks that nothing is left, and ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import { readConfig } from './config/config.ts'
import { createLogger } from './logger.ts'
import { dockerProvider } from './provider/docker/docker-provider.ts'
import { locateEngine } from './provider/docker/engine/locate-engine.ts'
import type { Service } from './service.ts'
import { startService } from './service.ts'
import { StartError } from './start-error.ts'
import { defaultTemplate, readTemplates } from './template/templates.ts'
import type { HistoryLine } from './wire/history.ts'
import type { Workspace } from './wire/workspace.ts'
import { newWorkspaceId } from './workspace/id.ts'
import type { ProviderName } from './workspace/workspace-ref.ts'

const user = 'demo'
const imagePullTimeoutMs = 60_000
const preferredPort = 3000

const print = (text = '') => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'vm-api-demo-'))
const log = createLogger('warn')
const interruption = new AbortController()
const interrupted = new Promise<void>((resolve) => interruption.signal.addEventListener('abort', () => resolve()))
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interruption.abort())

// Whoever read has gone, a closed terminal say: what was made is cleaned up all the same.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => interruption.abort())

try {
  await demo()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function demo() {
  const config = configFor('process', preferredPort)
  const { provider, reason } = await pickDemoProvider(config, log)
  const service = await start(provider)
  print('vm-api, a demo on a database of its own')
  print()
  print(`  runs on    ${provider === 'docker' ? 'Docker' : 'plain processes'}: ${reason}`)
  print(`  API        ${service.url}/api/v1   (described at ${service.url}/docs)`)
  print(`  console    ${service.url}/console   (enter as demo)`)
  print(`  database   ${join(folder, 'vm.db')}`)
  print()
  try {
    const callApi = apiCaller(service.url)
    const created = await callApi<Workspace>('POST', '/workspaces', {
      name: 'demo',
      template: defaultTemplate,
      ttl_seconds: 3600,
    })
    print(`POST /api/v1/workspaces {"name":"demo"} as user ${user}`)
    await showHistory(callApi, created)
    const current = await callApi<Workspace>('GET', `/workspaces/${created.id}`)
    print()
    if (interruption.signal.aborted) print('Interrupted.')
    else if (current.status !== 'running') {
      print(`It did not come up. ${current.error_message ?? ''}`)
      process.exitCode = 1
    } else print(`connection_info ${JSON.stringify(current.connection_info, null, 2)}`)
    if (process.stdin.isTTY && process.stdout.isTTY && current.status === 'running' && !interruption.signal.aborted) {
      print()
      print(`Look at it:  ${service.url}/console (enter as ${user})`)
      print(`A shell:     node dist/cli/main.js --url ${service.url} --user ${user} ssh demo`)
      print('Ctrl-C deletes its workspaces and ends the demo.')
      await interrupted
      print()
    }
    await cleanUp(callApi, service)
  } finally {
    await service.close()
  }
}

/** Prints each transition as it is committed, until the workspace rests. */
async function showHistory(callApi: CallApi, { id }: Workspace) {
  const startedAt = performance.now()
  const elapsed = (line: HistoryLine, first: HistoryLine) =>
    String(Date.parse(line.at) - Date.parse(first.at)).padStart(6)
  let printedCount = 0
  for (;;) {
    const { status } = await callApi<Workspace>('GET', `/workspaces/${id}`)
    const lines = await callApi<HistoryLine[]>('GET', `/workspaces/${id}/history`)
    const [first] = lines
    for (const line of lines.slice(printedCount))
      if (first)
        print(
          `  ${elapsed(line, first)} ms  ${line.event.padEnd(16)} ${line.to}${line.reason === undefined ? '' : `\n             ${line.reason}`}`,
        )
    printedCount = lines.length
    if (status !== 'creating' || interruption.signal.aborted || performance.now() - startedAt > 10 * imagePullTimeoutMs)
      return
    await new Promise((resolve) => setTimeout(resolve, 50)) // the API is polled, as its users do
  }
}

async function cleanUp(callApi: CallApi, { providerChoice }: Service) {
  for (const { id, name } of await callApi<Workspace[]>('GET', '/workspaces?owner=*')) {
    await callApi('DELETE', `/workspaces/${id}`)
    print(`DELETE /api/v1/workspaces/${id} (${name})`)
  }
  const remaining = await callApi<Workspace[]>('GET', '/workspaces?owner=*')
  for (const provider of providerChoice.providers.values()) {
    const containers = await provider.list(AbortSignal.timeout(10_000))
    const clearResult = await provider.clear(AbortSignal.timeout(10_000))
    const isClean = remaining.length === 0 && containers.ok && containers.value.length === 0 && clearResult.ok
    print(isClean ? 'Nothing is left over: no record, no container, no process.' : 'Something is left over:')
    if (isClean) continue
    process.exitCode = 1
    print(JSON.stringify({ workspaces: remaining, containers: containers, cleared: clearResult }, null, 2))
  }
}

/** Docker, if an engine answers and the image of the default template is there, or arrives in time; else plain processes. */
async function pickDemoProvider(
  config: Config,
  engineLog: Logger,
): Promise<{ provider: ProviderName; reason: string }> {
  const located = locateEngine(process.env, homedir())
  if (!located.ok) return { provider: 'process', reason: located.fault.message }
  const docker = dockerProvider({ installation: 'demo', target: located.value, log: engineLog })
  const ping = await docker.ping(AbortSignal.timeout(5000))
  if (!ping.ok) return { provider: 'process', reason: `no Docker engine answers (${located.value.description})` }
  const spec = defaultSpec(config)
  const workspace = {
    id: newWorkspaceId(),
    owner: user,
    name: user,
    template: defaultTemplate,
    spec,
    imageId: null,
    containerId: null,
    prepared: false,
  }
  const timeout = AbortSignal.any([AbortSignal.timeout(imagePullTimeoutMs), interruption.signal])
  let announced = false
  const image = await docker.image(workspace, timeout, (text) => {
    if (!announced) print(`Docker answers; its image is fetched for at most ${imagePullTimeoutMs / 1000} s: ${text}`)
    announced = true
  })
  if (image.ok) return { provider: 'docker', reason: `an engine answers, and ${spec.image} is there` }
  const reason = timeout.aborted
    ? `${spec.image} did not arrive within ${imagePullTimeoutMs / 1000} s`
    : image.fault.message
  return { provider: 'process', reason: `a Docker engine answers. ${reason}` }
}

function defaultSpec({ templatesDir }: Config) {
  const result = readTemplates(templatesDir ?? join(import.meta.dirname, '../templates'))
  const spec = result.kind === 'read' ? result.templates.get(defaultTemplate)?.spec : undefined
  if (!spec) throw new StartError(`The demo needs the template ${defaultTemplate}; unset VM_API_TEMPLATES_DIR.`)
  return spec
}

/** On the usual port, so that what the README shows works as printed; on any other if that one is taken. */
async function start(provider: ProviderName): Promise<Service> {
  const startOn = (port: number) =>
    startService({ config: configFor(provider, port), env: process.env, home: homedir(), log })
  try {
    return await startOn(preferredPort)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return await startOn(0)
  }
}

function configFor(provider: ProviderName, port: number): Config {
  const env = {
    VM_API_BIND: `127.0.0.1:${port}`,
    VM_API_DB_PATH: join(folder, 'vm.db'),
    VM_API_PROVIDER: provider,
    VM_API_OPERATORS: user,
    VM_API_TEMPLATES_DIR: process.env['VM_API_TEMPLATES_DIR'],
  }
  const result = readConfig(env, { platform: process.platform, home: homedir() })
  if (result.kind === 'unreadable') throw new StartError(JSON.stringify(result.problems))
  return result.config
}

type CallApi = <T>(method: string, path: string, body?: object) => Promise<T>

function apiCaller(url: string): CallApi {
  return async <T>(method: string, path: string, body?: object) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { 'x-user': user, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return JSON.parse(text) as T
  }
}

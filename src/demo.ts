// Demonstrates the service: starts it on a temporary database, creates a workspace over the API, and prints its transitions. Then deletes
// the workspace, at once without a terminal and after Ctrl-C with one, and checks that nothing is left.
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import { z } from 'zod'
import type { Config } from './config/config.ts'
import { describeConfigProblems, readConfig } from './config/config.ts'
import { createLogger } from './logger.ts'
import { dockerProvider } from './provider/docker/docker-provider.ts'
import { pruneNetworks } from './provider/docker/lifecycle/networks.ts'
import { locateEngine } from './provider/docker/engine/locate-engine.ts'
import type { Service } from './service.ts'
import { startService } from './service.ts'
import { StartError } from './start-error.ts'
import { defaultTemplate, readTemplates } from './template/templates.ts'
import { type HistoryLine, historyLineSchema } from './wire/history.ts'
import { type Workspace, workspaceDeletedSchema, workspaceSchema } from './wire/workspace.ts'
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

// A closed terminal interrupts the demo too, so that it still cleans up.
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
  print('vm-api demo, on a temporary database')
  print()
  print(`  runs on    ${provider === 'docker' ? 'Docker' : 'plain processes'}: ${reason}`)
  print(`  API        ${service.url}/api/v1   (documentation at ${service.url}/docs)`)
  print(`  console    ${service.url}/console   (sign in as demo)`)
  print(`  database   ${join(folder, 'vm.db')}`)
  print()
  try {
    const callApi = apiCaller(service.url)
    const created = await callApi(workspaceSchema, 'POST', '/workspaces', {
      name: 'demo',
      template: defaultTemplate,
      ttl_seconds: 3600,
    })
    print(`POST /api/v1/workspaces {"name":"demo"} as user ${user}`)
    await showHistory(callApi, created)
    const current = await callApi(workspaceSchema, 'GET', `/workspaces/${created.id}`)
    print()
    if (interruption.signal.aborted) print('Interrupted.')
    else if (current.status !== 'running') {
      print(`The workspace did not start. ${current.error_message ?? ''}`)
      process.exitCode = 1
    } else print(`connection_info ${JSON.stringify(current.connection_info, null, 2)}`)
    if (process.stdin.isTTY && process.stdout.isTTY && current.status === 'running' && !interruption.signal.aborted) {
      print()
      print(`Console:     ${service.url}/console (sign in as ${user})`)
      print(`Shell:       node dist/cli/main.js --url ${service.url} --user ${user} ssh demo`)
      print('Press Ctrl-C to delete all workspaces of the demo and exit.')
      await interrupted
      print()
    }
    await cleanUp(callApi, service)
  } finally {
    await service.close()
  }
}

/** Prints each transition after its commit, until the workspace has left `creating`. */
async function showHistory(callApi: CallApi, { id }: Workspace) {
  const startedAt = performance.now()
  const elapsed = (line: HistoryLine, first: HistoryLine) =>
    String(Date.parse(line.at) - Date.parse(first.at)).padStart(6)
  let printedCount = 0
  for (;;) {
    const { status } = await callApi(workspaceSchema, 'GET', `/workspaces/${id}`)
    const lines = await callApi(z.array(historyLineSchema), 'GET', `/workspaces/${id}/history`)
    const [first] = lines
    for (const line of lines.slice(printedCount))
      if (first)
        print(
          `  ${elapsed(line, first)} ms  ${line.event.padEnd(16)} ${line.to}${line.reason === undefined ? '' : `\n             ${line.reason}`}`,
        )
    printedCount = lines.length
    if (status !== 'creating' || interruption.signal.aborted || performance.now() - startedAt > 10 * imagePullTimeoutMs)
      return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

/** Deletes every workspace over the API, then checks that nothing is left. The process provider's files lie in the temporary folder. */
async function cleanUp(callApi: CallApi, { installation, providerChoice }: Service) {
  for (const { id, name } of await callApi(z.array(workspaceSchema), 'GET', '/workspaces?owner=*')) {
    await callApi(workspaceDeletedSchema, 'DELETE', `/workspaces/${id}`)
    print(`DELETE /api/v1/workspaces/${id} (${name})`)
  }
  const workspaces = await callApi(z.array(workspaceSchema), 'GET', '/workspaces?owner=*')
  for (const provider of providerChoice.providers.values()) {
    const containers = await provider.list(AbortSignal.timeout(10_000))
    const networks = provider.name === 'docker' ? await removeNetworks(installation) : 'removed'
    if (workspaces.length === 0 && containers.ok && containers.value.length === 0 && networks === 'removed') {
      print('Nothing is left: no record, no container, no process.')
      continue
    }
    process.exitCode = 1
    print('The demo could not remove everything. Left:')
    print(JSON.stringify({ workspaces, containers, networks }, null, 2))
  }
}

/** Removes the Docker networks of `installation`. Returns `removed`, or why that failed. */
async function removeNetworks(installation: string): Promise<string> {
  const located = locateEngine(process.env, homedir())
  if (!located.ok) return located.fault.message
  const pruned = await pruneNetworks(located.value, installation, AbortSignal.timeout(10_000))
  return pruned.ok ? 'removed' : pruned.fault.message
}

/** Picks Docker if an engine answers and has, or pulls in time, the image of the default template; else plain processes. */
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
    if (!announced) print(`Pulling the image, for at most ${imagePullTimeoutMs / 1000} s: ${text}`)
    announced = true
  })
  if (image.ok) return { provider: 'docker', reason: `an engine answers and has ${spec.image}` }
  const reason = timeout.aborted
    ? `${spec.image} was not pulled within ${imagePullTimeoutMs / 1000} s`
    : image.fault.message
  return { provider: 'process', reason: `a Docker engine answers. ${reason}` }
}

function defaultSpec({ templatesDir }: Config) {
  const result = readTemplates(templatesDir ?? join(import.meta.dirname, '../templates'))
  const spec = result.kind === 'ok' ? result.templates.get(defaultTemplate)?.spec : undefined
  if (!spec) throw new StartError(`The demo needs the template ${defaultTemplate}; unset VM_API_TEMPLATES_DIR.`)
  return spec
}

/** Starts on the usual port, so that the README's commands work as printed; on a free port if that one is in use. */
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
  if (result.kind === 'invalid') throw new StartError(describeConfigProblems(result.problems))
  return result.config
}

type CallApi = <T>(schema: z.ZodType<T>, method: string, path: string, body?: object) => Promise<T>

function apiCaller(url: string): CallApi {
  return async (schema, method, path, body) => {
    const response = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { 'x-user': user, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}: ${text}`)
    return schema.parse(JSON.parse(text))
  }
}

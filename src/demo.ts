// Shows the service to somebody who has never seen it: starts one on a database of its own, makes a workspace over the API, and says
// what it passes through. Without a terminal it deletes the workspace again, checks that nothing is left, and ends.
import { mkdtempSync, rmSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import { readConfig } from './config.ts'
import { makeLog } from './log.ts'
import { dockerProvider } from './provider/docker/docker-provider.ts'
import { locateEngine } from './provider/docker/locate.ts'
import type { Service } from './service.ts'
import { startService } from './service.ts'
import { StartError } from './start-error.ts'
import { defaultTemplate, readTemplates } from './template/templates.ts'
import type { HistoryLine } from './wire/history.ts'
import type { Workspace } from './wire/workspace.ts'
import { newWorkspaceId } from './workspace/id.ts'
import type { ProviderName } from './workspace/subject.ts'

const user = 'demo'
const imagePatienceMs = 60_000
const usualPort = 3000

const say = (text = '') => process.stdout.write(`${text}\n`)
const folder = mkdtempSync(join(tmpdir(), 'vm-api-demo-'))
const log = makeLog('warn')
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
  const shipped = configFor('process', usualPort)
  const { provider, why } = await whereToRun(shipped, log)
  const service = await start(provider)
  say('vm-api, a demo on a database of its own')
  say()
  say(`  runs on    ${provider === 'docker' ? 'Docker' : 'plain processes'}: ${why}`)
  say(`  API        ${service.url}/api/v1   (described at ${service.url}/docs)`)
  say(`  console    ${service.url}/console   (enter as demo)`)
  say(`  database   ${join(folder, 'vm.db')}`)
  say()
  try {
    const call = caller(service.url)
    const made = await call<Workspace>('POST', '/workspaces', {
      name: 'demo',
      template: defaultTemplate,
      ttl_seconds: 3600,
    })
    say(`POST /api/v1/workspaces {"name":"demo"} as user ${user}`)
    await showHistory(call, made)
    const now = await call<Workspace>('GET', `/workspaces/${made.id}`)
    say()
    if (interruption.signal.aborted) say('Interrupted.')
    else if (now.status !== 'running') {
      say(`It did not come up. ${now.error_message ?? ''}`)
      process.exitCode = 1
    } else say(`connection_info ${JSON.stringify(now.connection_info, null, 2)}`)
    if (process.stdin.isTTY && process.stdout.isTTY && now.status === 'running' && !interruption.signal.aborted) {
      say()
      say(`Look at it:  ${service.url}/console (enter as ${user})`)
      say(`A shell:     node dist/cli/main.js --url ${service.url} --user ${user} ssh demo`)
      say('Ctrl-C deletes its workspaces and ends the demo.')
      await interrupted
      say()
    }
    await cleanUp(call, service)
  } finally {
    await service.close()
  }
}

/** Prints each transition as it is committed, until the workspace rests. */
async function showHistory(call: Call, { id }: Workspace) {
  const begun = performance.now()
  const since = (line: HistoryLine, first: HistoryLine) =>
    String(Date.parse(line.at) - Date.parse(first.at)).padStart(6)
  let shown = 0
  for (;;) {
    const { status } = await call<Workspace>('GET', `/workspaces/${id}`)
    const lines = await call<HistoryLine[]>('GET', `/workspaces/${id}/history`)
    const [first] = lines
    for (const line of lines.slice(shown))
      if (first)
        say(
          `  ${since(line, first)} ms  ${line.event.padEnd(16)} ${line.to}${line.reason === undefined ? '' : `\n             ${line.reason}`}`,
        )
    shown = lines.length
    if (status !== 'creating' || interruption.signal.aborted || performance.now() - begun > 10 * imagePatienceMs) return
    await new Promise((resolve) => setTimeout(resolve, 50)) // the API is polled, as its users do
  }
}

async function cleanUp(call: Call, { choice }: Service) {
  for (const { id, name } of await call<Workspace[]>('GET', '/workspaces?owner=*')) {
    await call('DELETE', `/workspaces/${id}`)
    say(`DELETE /api/v1/workspaces/${id} (${name})`)
  }
  const left = await call<Workspace[]>('GET', '/workspaces?owner=*')
  for (const provider of choice.providers.values()) {
    const found = await provider.inventory(AbortSignal.timeout(10_000))
    const cleared = await provider.clear(AbortSignal.timeout(10_000))
    const nothing = left.length === 0 && found.ok && found.value.length === 0 && cleared.ok
    say(nothing ? 'Nothing is left over: no record, no container, no process.' : 'Something is left over:')
    if (nothing) continue
    process.exitCode = 1
    say(JSON.stringify({ workspaces: left, containers: found, cleared }, null, 2))
  }
}

/** Docker, if an engine answers and the image of the default template is there, or arrives in time; else plain processes. */
async function whereToRun(config: Config, forEngine: Logger): Promise<{ provider: ProviderName; why: string }> {
  const located = locateEngine(process.env, homedir())
  if (!located.ok) return { provider: 'process', why: located.fault.message }
  const docker = dockerProvider({ installation: 'demo', docker: located.value, log: forEngine })
  const answered = await docker.ready(AbortSignal.timeout(5000))
  if (!answered.ok) return { provider: 'process', why: `no Docker engine answers (${located.value.described})` }
  const recipe = recipeOf(config)
  const subject = {
    id: newWorkspaceId(),
    owner: user,
    name: user,
    template: defaultTemplate,
    recipe,
    imageId: null,
    containerId: null,
    prepared: false,
  }
  const patience = AbortSignal.any([AbortSignal.timeout(imagePatienceMs), interruption.signal])
  let told = false
  const image = await docker.image(subject, patience, (text) => {
    if (!told) say(`Docker answers; its image is fetched for at most ${imagePatienceMs / 1000} s: ${text}`)
    told = true
  })
  if (image.ok) return { provider: 'docker', why: `an engine answers, and ${recipe.image} is there` }
  const why = patience.aborted
    ? `${recipe.image} did not arrive within ${imagePatienceMs / 1000} s`
    : image.fault.message
  return { provider: 'process', why: `a Docker engine answers. ${why}` }
}

function recipeOf({ templatesDir }: Config) {
  const read = readTemplates(templatesDir ?? join(import.meta.dirname, '../templates'))
  const recipe = read.kind === 'read' ? read.templates.get(defaultTemplate)?.recipe : undefined
  if (!recipe) throw new StartError(`The demo needs the template ${defaultTemplate}; unset VM_API_TEMPLATES_DIR.`)
  return recipe
}

/** On the usual port, so that what the README shows works as printed; on any other if that one is taken. */
async function start(provider: ProviderName): Promise<Service> {
  const on = (port: number) =>
    startService({ config: configFor(provider, port), env: process.env, home: homedir(), log })
  try {
    return await on(usualPort)
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    return await on(0)
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
  const read = readConfig(env, { platform: process.platform, home: homedir() })
  if (read.kind === 'unreadable') throw new StartError(JSON.stringify(read.problems))
  return read.config
}

type Call = <T>(method: string, path: string, body?: object) => Promise<T>

function caller(url: string): Call {
  return async <T>(method: string, path: string, body?: object) => {
    const answer = await fetch(`${url}/api/v1${path}`, {
      method,
      headers: { 'x-user': user, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return JSON.parse(text) as T
  }
}

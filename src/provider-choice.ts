import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config.ts'
import type { installation as installationOf } from './persistence/installation.ts'
import { dockerProvider } from './provider/docker/docker-provider.ts'
import { locateEngine } from './provider/docker/locate.ts'
import { processProvider } from './provider/process/process-provider.ts'
import type { Provider } from './provider/provider.ts'
import { StartError } from './start-error.ts'
import type { ProviderName } from './workspace/subject.ts'
import { providerNames } from './workspace/subject.ts'

export interface ChoiceDeps {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly log: Logger
  readonly installation: ReturnType<typeof installationOf>
}

export interface Choice {
  /** Where new workspaces run. */
  readonly name: ProviderName
  readonly why: string
  /** That one, and every other that stored workspaces name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
}

/**
 * Chooses the provider. `auto` asks for a Docker engine at the first start only; what it finds is kept in the database, so that an engine
 * that is away later is waited for and not passed over.
 * @throws {StartError} when it cannot be chosen or set up, with what to do.
 */
export async function chooseProvider(deps: ChoiceDeps): Promise<Choice> {
  const { config, installation } = deps
  const made = new Map<ProviderName, Provider>()
  const make = (name: ProviderName): Provider => {
    const provider = made.get(name) ?? makers[name](deps)
    made.set(name, provider)
    return provider
  }
  const { name, why, first } = await choose(deps, make)
  if (config.auth === 'proxy' && name === 'process')
    throw new StartError(
      'Workspaces would run as plain processes, which are not isolated from each other, and VM_API_AUTH=proxy has users who must be. Start a Docker engine and set VM_API_PROVIDER=docker.',
    )
  if (first) installation.chooseProvider(name)
  const inUse = installation.providersInUse().map((stored) => providerNames.find((known) => known === stored))
  const names = [...new Set([name, ...inUse.filter((known) => known !== undefined)])]
  return { name, why, providers: new Map(names.map((each) => [each, make(each)])) }
}

async function choose({ config, env, home, installation }: ChoiceDeps, make: (name: ProviderName) => Provider) {
  if (config.provider !== 'auto') return { name: config.provider, why: 'VM_API_PROVIDER says so', first: false }
  const kept = providerNames.find((name) => name === installation.provider())
  if (kept)
    return {
      name: kept,
      why: 'it was chosen at the first start; VM_API_PROVIDER chooses another for new workspaces',
      first: false,
    }
  const located = locateEngine(env, home)
  const answer = located.ok ? await make('docker').ready(AbortSignal.timeout(5000)) : located
  const name: ProviderName = answer.ok ? 'docker' : 'process'
  const why = answer.ok ? 'a Docker engine answers' : `no Docker engine answers: ${answer.fault.message}`
  return { name, why, first: true }
}

const makers: Readonly<Record<ProviderName, (deps: ChoiceDeps) => Provider>> = {
  docker({ env, home, installation, log }) {
    const docker = locateEngine(env, home)
    if (!docker.ok) throw new StartError(`Docker cannot be used. ${docker.fault.message}`)
    return dockerProvider({ installation: installation.id(), docker: docker.value, log })
  },
  process({ config, env, installation, log }) {
    const root = join(dirname(config.dbPath), 'workspaces')
    // What the service's own user finds (a node of a version manager, say) is found in a workspace too.
    const path = env['PATH']
    return processProvider({ root, installation: installation.id(), log, ...(path !== undefined && { path }) })
  },
}

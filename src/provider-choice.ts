import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { installationStore as installationOf } from './persistence/installation.ts'
import { dockerProvider } from './provider/docker/docker-provider.ts'
import { locateEngine } from './provider/docker/engine/locate-engine.ts'
import { processProvider } from './provider/process/process-provider.ts'
import type { Provider } from './provider/provider.ts'
import { StartError } from './start-error.ts'
import type { ProviderName } from './workspace/workspace-ref.ts'
import { providerNames } from './workspace/workspace-ref.ts'

export interface ProviderChoiceDeps {
  readonly config: Config
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
  readonly log: Logger
  readonly installation: ReturnType<typeof installationOf>
}

export interface ProviderChoice {
  /** Where new workspaces run. */
  readonly name: ProviderName
  readonly reason: string
  /** That one, and every other that stored workspaces name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
}

/**
 * Chooses the provider. `auto` asks for a Docker engine at the first start only; what it finds is kept in the database, so that an engine
 * that is away later is waited for and not passed over.
 * @throws {StartError} when it cannot be chosen or set up, with what to do.
 */
export async function chooseProvider(deps: ProviderChoiceDeps): Promise<ProviderChoice> {
  const { config, installation } = deps
  const created = new Map<ProviderName, Provider>()
  const providerFor = (name: ProviderName): Provider => {
    const provider = created.get(name) ?? factories[name](deps)
    created.set(name, provider)
    return provider
  }
  const { name, why: reason, first: isFirstStart } = await pickProvider(deps, providerFor)
  if (config.auth === 'proxy' && name === 'process')
    throw new StartError(
      'Workspaces would run as plain processes, which are not isolated from each other, and VM_API_AUTH=proxy has users who must be. Start a Docker engine and set VM_API_PROVIDER=docker.',
    )
  if (isFirstStart) installation.chooseProvider(name)
  const inUse = installation.providersInUse().map((stored) => providerNames.find((known) => known === stored))
  const names = [...new Set([name, ...inUse.filter((known) => known !== undefined)])]
  return { name, reason, providers: new Map(names.map((storedName) => [storedName, providerFor(storedName)])) }
}

async function pickProvider(
  { config, env, home, installation }: ProviderChoiceDeps,
  providerFor: (name: ProviderName) => Provider,
) {
  if (config.provider !== 'auto') return { name: config.provider, why: 'VM_API_PROVIDER says so', first: false }
  const storedName = providerNames.find((name) => name === installation.provider())
  if (storedName)
    return {
      name: storedName,
      why: 'it was chosen at the first start; VM_API_PROVIDER chooses another for new workspaces',
      first: false,
    }
  const located = locateEngine(env, home)
  const ping = located.ok ? await providerFor('docker').ping(AbortSignal.timeout(5000)) : located
  const name: ProviderName = ping.ok ? 'docker' : 'process'
  const reason = ping.ok ? 'a Docker engine answers' : `no Docker engine answers: ${ping.fault.message}`
  return { name, why: reason, first: true }
}

const factories: Readonly<Record<ProviderName, (deps: ProviderChoiceDeps) => Provider>> = {
  docker({ env, home, installation, log }) {
    const located = locateEngine(env, home)
    if (!located.ok) throw new StartError(`Docker cannot be used. ${located.fault.message}`)
    return dockerProvider({ installation: installation.id(), target: located.value, log })
  },
  process({ config, env, installation, log }) {
    const root = join(dirname(config.dbPath), 'workspaces')
    // What the service's own user finds (a node of a version manager, say) is found in a workspace too.
    const path = env['PATH']
    return processProvider({ root, installation: installation.id(), log, ...(path !== undefined && { path }) })
  },
}

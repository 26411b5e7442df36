import { dirname, join } from 'node:path'
import type { Logger } from 'pino'
import type { Config } from './config/config.ts'
import type { InstallationStore } from './persistence/installation.ts'
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
  readonly installation: InstallationStore
}

export interface ProviderChoice {
  /** The provider of new workspaces. */
  readonly name: ProviderName
  readonly reason: string
  /** The chosen provider, and every other one that stored workspaces name. */
  readonly providers: ReadonlyMap<ProviderName, Provider>
}

/**
 * Chooses the provider. `auto` looks for a Docker engine at the first start only and stores its choice in the database, so the service
 * later waits for an unreachable engine instead of switching to processes.
 * @throws {StartError} when no provider can be chosen or set up, with the next step.
 */
export async function chooseProvider(deps: ProviderChoiceDeps): Promise<ProviderChoice> {
  const { config, installation } = deps
  const created = new Map<ProviderName, Provider>()
  const providerFor = (name: ProviderName): Provider => {
    const provider = created.get(name) ?? factories[name](deps)
    created.set(name, provider)
    return provider
  }
  const { name, reason, isFirstChoice } = await pickProvider(deps, providerFor)
  if (config.auth === 'proxy' && name === 'process')
    throw new StartError(
      'Workspaces would run as plain processes, which are not isolated from each other, and VM_API_AUTH=proxy requires isolation. Start a Docker engine and set VM_API_PROVIDER=docker.',
    )
  if (isFirstChoice) installation.chooseProvider(name)
  const inUse = installation.providersInUse().map((stored) => providerNames.find((known) => known === stored))
  const names = [...new Set([name, ...inUse.filter((known) => known !== undefined)])]
  return { name, reason, providers: new Map(names.map((storedName) => [storedName, providerFor(storedName)])) }
}

async function pickProvider(
  { config, env, home, installation }: ProviderChoiceDeps,
  providerFor: (name: ProviderName) => Provider,
) {
  if (config.provider !== 'auto')
    return { name: config.provider, reason: 'set by VM_API_PROVIDER', isFirstChoice: false }
  const storedName = providerNames.find((name) => name === installation.provider())
  if (storedName)
    return {
      name: storedName,
      reason: 'chosen at the first start; set VM_API_PROVIDER to choose another one for new workspaces',
      isFirstChoice: false,
    }
  const located = locateEngine(env, home)
  const ping = located.ok ? await providerFor('docker').ping(AbortSignal.timeout(5000)) : located
  const name: ProviderName = ping.ok ? 'docker' : 'process'
  const reason = ping.ok ? 'a Docker engine answers' : `no Docker engine answers: ${ping.fault.message}`
  return { name, reason, isFirstChoice: true }
}

const factories: Readonly<Record<ProviderName, (deps: ProviderChoiceDeps) => Provider>> = {
  docker({ env, home, installation, log }) {
    const located = locateEngine(env, home)
    if (!located.ok) throw new StartError(`Docker cannot be used. ${located.fault.message}`)
    return dockerProvider({ installation: installation.id(), target: located.value, log })
  },
  process({ config, env, installation, log }) {
    const root = join(dirname(config.dbPath), 'workspaces')
    // Workspaces find the programs of the service's user, such as a Node installed by a version manager.
    const path = env['PATH']
    return processProvider({ root, installation: installation.id(), log, ...(path !== undefined && { path }) })
  },
}
